//! Notices: the binary makes them, and delivers them.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{MINUTE, allowing};
use crate::process::{SERVER_KEY, Server, places};

/// Ten days, and a moment: the notice of ten days becomes due behind the creation.
const TEN_DAYS_S: u64 = 864_001;

async fn get(url: &str) -> String {
    let answer = Client::new().get(url).bearer_auth(SERVER_KEY).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{url}");
    answer.text().await.unwrap()
}

/// Returns the number of times that a server has looked after its keys.
async fn looks(server: &Server) -> f64 {
    let metrics = get(&format!("http://{}/metrics", server.address)).await;
    let series = metrics.lines().find_map(|line| line.strip_prefix(r#"keymint_notice_runs_total{outcome="success"} "#));
    series.unwrap().parse().unwrap()
}

async fn audit(server: &Server, query: &str) -> Vec<Value> {
    let page: Value = serde_json::from_str(&get(&server.base(&format!("audit?{query}"))).await).unwrap();
    page["events"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_expires_in_ten_days_is_one_event_and_one_delivery_with_two_servers_on_one_database() {
    for place in places().await.into_iter().map(allowing) {
        // A lease that ends on a busy machine is taken over.
        let place = place.with("KEYMINT__NOTICES__INTERVAL_SECONDS", "1").with("KEYMINT__WEBHOOKS__LEASE_MS", "6000");
        let receiver = Receiver::start().await;
        let servers = [place.serve(), place.serve()];
        let webhook =
            place.json(&["webhook", "--json", "create", &receiver.url("a"), "--kind", "keymint.key.expiring"]);
        let key = servers[0].create(json!({ "userId": "ada", "expiresIn": TEN_DAYS_S })).await;
        servers[1].create(json!({ "userId": "ada", "expiresIn": 2 * TEN_DAYS_S })).await;

        receiver.has_accepted("a", 1, MINUTE).await;
        let looked = [looks(&servers[0]).await, looks(&servers[1]).await];
        let again = async {
            for (server, before) in servers.iter().zip(looked) {
                while looks(server).await < before + 3.0 {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::time::timeout(MINUTE, again).await.unwrap();
        for server in &servers {
            let found = audit(server, "type=keymint.key.expiring").await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((&found[0]["keyId"], &found[0]["actor"]), (&key["id"], &json!("keymint")));
            assert_eq!(found[0]["details"], json!({ "expiresAt": key["expiresAt"], "days": 10 }));
        }
        // Behind the notice of another key, a second delivery of the first one would have come.
        let other = servers[1].create(json!({ "userId": "eve", "expiresIn": TEN_DAYS_S })).await;
        receiver.has_accepted("a", 2, MINUTE).await;
        let arrivals = receiver.arrivals("a");
        assert_eq!(arrivals.len(), 2, "{arrivals:?}");
        assert_eq!(arrivals[1].event()["data"]["keyId"], other["id"]);
        let event = arrivals[0].event();
        assert_eq!((&event["type"], &event["data"]["keyId"]), (&json!("keymint.key.expiring"), &key["id"]));
        assert_eq!(event["data"]["details"]["days"], 10);
        assert!(arrivals[0].is_signed_by(webhook["secret"].as_str().unwrap()));
    }
}
