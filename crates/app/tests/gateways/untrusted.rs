//! A gateway whose address Keymint does not trust.

use reqwest::Client;
use serde_json::Value;

use crate::gateway::{Gateway, Kind};
use crate::keymint;
use crate::upstream;

#[tokio::test]
async fn whoever_sets_a_gateway_up_is_told_what_is_missing() {
    let keymint = keymint::start_with(&[("KEYMINT__SERVER__TRUSTED_PROXIES", "[]")]);
    for kind in [Kind::Nginx, Kind::Caddy] {
        let gateway = Gateway::start(kind, keymint.address, upstream::start()).await;
        for _ in 0..3 {
            let response = Client::new().get(format!("http://{}/api/files", gateway.address)).send().await.unwrap();
            assert_eq!(response.status(), 403, "{kind:?}");
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], "NOT_A_GATEWAY", "{kind:?} {problem}");
        }
    }
    let log = keymint.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("server.trusted_proxies")).collect();
    assert_eq!(lines.len(), 1, "once a minute: {log}");
    assert!(lines[0].contains("WARN") && lines[0].contains("peer=127.0.0.1"), "{}", lines[0]);
}
