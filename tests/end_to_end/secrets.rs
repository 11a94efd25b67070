//! No secret reaches a log, not even at the most talkative level.

use serde_json::{Value, json};

use crate::process::{Place, SERVER_KEY};

#[tokio::test(flavor = "multi_thread")]
async fn logs_name_requests_and_hold_no_secret() {
    let place = Place::new().with("KEYMINT__LOG__LEVEL", "trace").with("KEYMINT__LOG__FORMAT", "json");
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    assert!(server.is_valid(&key).await);
    server.post("verify", json!({ "key": "sk_presented_and_wrong" })).await;
    server.terminate();
    let (success, _, stderr) = server.finish();
    assert!(success);
    for secret in [key["key"].as_str().unwrap(), SERVER_KEY, "sk_presented_and_wrong"] {
        assert!(!stderr.contains(secret), "a secret is in the log");
    }
    let lines = stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let requests: Vec<_> = lines.filter(|line| line["message"] == "request").collect();
    let paths: Vec<_> = requests.iter().map(|line| line["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["create", "verify", "verify"].map(|path| format!("/api/auth/api-key/{path}")));
    assert!(requests.iter().all(|line| line["request_id"].is_string() && line["status"] == 200));
}
