//! Deferred usage: the start names the possible loss, a stop loses nothing, a crash loses the usage that was not
//! written.

use serde_json::json;

use crate::process::Place;

/// Returns a place where only a stop writes usage during the test.
fn deferring() -> Place {
    Place::new().with("KEYMINT__VERIFY__FLUSH_MS", "60000").with("KEYMINT__API_KEY__0__DEFER_USAGE", "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_what_was_deferred() {
    let place = deferring();
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    for _ in 0..3 {
        assert!(server.is_valid(&key).await);
    }
    let id = key["id"].as_str().unwrap();
    let count = || place.json(&["key", "get", id, "--json"])["requestCount"].clone();
    assert_eq!(count(), json!(0));
    server.terminate();
    let (success, stdout, stderr) = server.finish();
    assert!(success, "{stderr}");
    assert!(
        stdout.contains("deferred    default: usage is written every minute; a crash forgets up to that"),
        "{stdout}"
    );
    assert_eq!(count(), json!(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_forgets_what_was_deferred_and_nothing_else() {
    let place = deferring();
    let server = place.serve();
    let deferred = server.create(json!({ "userId": "ada" })).await;
    let exact = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    for key in [&deferred, &exact] {
        assert!(server.is_valid(key).await);
    }
    // Kills it.
    drop(server);
    let stored = |key: &serde_json::Value| place.json(&["key", "get", key["id"].as_str().unwrap(), "--json"]);
    assert_eq!(stored(&deferred)["requestCount"], json!(0));
    assert_eq!(stored(&exact)["remaining"], json!(4));
}
