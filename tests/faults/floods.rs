//! Clients that request more than their share.

use keymint_test_support::keymint::{Place, SERVER_KEY};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::load::Load;

const KEYS: u64 = 300;
/// More than there are connections to a database.
const LISTERS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_many_keys_fail_no_verification() {
    for place in [Place::new(), Place::on(&keymint_test_postgres::database().await)] {
        let server = place.serve();
        for _ in 0..KEYS {
            server.create(json!({ "userId": "bob" })).await;
        }
        let load = Load::start(&server, 3, 8).await;
        let mut lists = JoinSet::new();
        for _ in 0..LISTERS {
            lists.spawn(list_without_end(server.url("list?userId=bob&limit=1000")));
        }
        load.goes_on(300).await;
        lists.shutdown().await;
        assert_eq!(load.failed(), 0, "{}", server.log());
        load.end().await.agree_with(&place);
    }
}

async fn list_without_end(url: String) {
    let client = Client::new();
    loop {
        let response = client.get(&url).bearer_auth(SERVER_KEY).send().await.unwrap();
        let (status, page) = (response.status(), response.json::<Value>().await.unwrap());
        // A limit on concurrent lists may reject one.
        assert!(status == 503 || page["total"] == KEYS, "{status} {page}");
    }
}
