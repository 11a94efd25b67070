//! No secret reaches a log, even at the most verbose level.

use serde_json::{Value, json};

use crate::process::{Place, SERVER_KEY};

#[tokio::test(flavor = "multi_thread")]
async fn logs_name_requests_and_hold_no_secret() {
    let place = Place::new().with("KEYMINT__LOG__LEVEL", "trace").with("KEYMINT__LOG__FORMAT", "json");
    let place = place.with("KEYMINT_SECRET", "hush-in-the-environment-of-32-characters");
    let place = place.with("KEYMINT__API_KEY__0__ENABLE_SESSION_FOR_API_KEYS", "true");
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    assert!(server.is_valid(&key).await);
    server.post("verify", json!({ "key": "sk_presented_and_wrong" })).await;
    let user = json!({ "name": "Ada", "email": "ada@example.com", "password": "hush-password" });
    let signed_up = server.post("../sign-up/email", user.clone()).await;
    let shown = reqwest::Client::new().post(server.url("../sign-in/email")).header("x-api-key", "sk_shown_and_wrong");
    assert_eq!(shown.json(&user).send().await.unwrap().status(), 403);
    let secrets = ["hush-in-the-environment-of-32-characters", "hush-password", signed_up.1["token"].as_str().unwrap()];
    let stranger = reqwest::Client::new();
    for path in ["../../../sk_in_a_path", "sk_in_a_path", "../../../authorize/sk_in_a_path?k=sk_in_a_path"] {
        assert!(!stranger.put(server.url(path)).send().await.unwrap().status().is_success());
    }
    server.terminate();
    let (success, _, stderr) = server.finish();
    assert!(success);
    let keys =
        [key["key"].as_str().unwrap(), SERVER_KEY, "sk_presented_and_wrong", "sk_shown_and_wrong", "sk_in_a_path"];
    for secret in keys.into_iter().chain(secrets) {
        assert!(!stderr.contains(secret), "a secret is in the log");
    }
    let lines = stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let requests: Vec<_> = lines.filter(|line| line["message"] == "request").collect();
    let routes: Vec<_> = requests.iter().map(|line| line["route"].as_str().unwrap()).collect();
    let keys = ["/api-key/create", "/api-key/verify", "/api-key/verify", "/sign-up/email", "/sign-in/email"];
    assert_eq!(routes, [&keys[..], &["other", "other", "/authorize"]].concat());
    assert!(requests.iter().all(|line| line["request_id"].is_string() && line["status"].is_u64()));
}
