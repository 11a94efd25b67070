//! Another session locks a key's row.

use keymint_test_support::keymint::{Place, SERVER_KEY};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, query};
use tokio::task::JoinSet;

use crate::load::Load;

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_row_holds_up_its_own_key_alone() {
    let url = keymint_test_postgres::database().await;
    let place = Place::on(&url);
    let server = place.serve();
    let locked = server.create(json!({ "userId": "ada", "remaining": 1000, "rateLimitEnabled": false })).await;
    let load = Load::start(&server, 3, 8).await;
    load.goes_on(100).await;

    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut lock = holder.begin().await.unwrap();
    let select = query(r#"select from "apikey" where "id" = $1 for update"#).bind(locked["id"].as_str().unwrap());
    select.execute(&mut *lock).await.unwrap();
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        waiting.spawn(use_until_valid(server.url("verify"), locked["key"].as_str().unwrap().to_owned()));
    }
    load.goes_on(300).await;
    assert_eq!(load.failed(), 0, "others do not notice");
    lock.rollback().await.unwrap();
    while let Some(refused) = waiting.join_next().await {
        assert_eq!(refused.unwrap(), 0, "a key whose row is held is never answered as unknown or refused");
    }
    assert!(server.is_valid(&locked).await);
    load.end().await.agree_with(&place);
}

/// Uses a key until it is answered as valid. Returns the number of answers that were neither that nor a failure.
async fn use_until_valid(url: String, key: String) -> u32 {
    let client = reqwest::Client::new();
    let mut refused = 0;
    loop {
        let request = client.post(&url).bearer_auth(SERVER_KEY).json(&json!({ "key": key }));
        let response = request.send().await.unwrap();
        match response.status().as_u16() {
            503 => {}
            200 if response.json::<serde_json::Value>().await.unwrap()["valid"] == true => return refused,
            _ => refused += 1,
        }
    }
}
