//! SIGTERM under load: every request that was accepted is answered, and every charge is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::json;

use crate::process::{Place, SERVER_KEY, Server};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_no_answer_and_no_charge() {
    let place = Place::new();
    let server = Arc::new(place.serve());
    let body = json!({ "userId": "ada", "remaining": 1_000_000, "rateLimitEnabled": false });
    let key = server.create(body).await;
    let (answered, terminated) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let callers = (0..16).map(|_| {
        let (server, key, answered, terminated) =
            (Arc::clone(&server), key["key"].clone(), Arc::clone(&answered), Arc::clone(&terminated));
        tokio::spawn(async move {
            loop {
                match server.try_post("verify", &json!({ "key": key })).await {
                    Ok((status, verdict)) => {
                        assert_eq!((status.as_u16(), &verdict["valid"]), (200, &json!(true)));
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    // A connection that the server had not accepted when it was told to stop is closed unread. The sum
                    // below shows that nothing was charged on it.
                    Err(error) => {
                        assert!(terminated.load(Ordering::SeqCst), "{error:?}");
                        return;
                    }
                }
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    while answered.load(Ordering::SeqCst) < 200 {
        tokio::task::yield_now().await;
    }
    terminated.store(true, Ordering::SeqCst);
    server.terminate();
    for caller in callers {
        caller.await.unwrap();
    }
    let (success, _, stderr) = Arc::into_inner(server).unwrap().finish();
    assert!(success, "{stderr}");
    let kept = place.json(&["key", "get", key["id"].as_str().unwrap(), "--json"]);
    let charged = 1_000_000 - u32::try_from(kept["remaining"].as_u64().unwrap()).unwrap();
    assert_eq!(charged, answered.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_costs_no_answer_and_no_stop() {
    let place = Place::new();
    let mut command = place.command(&[]);
    command.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
    let mut server =
        Server::start_with_log(command, std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let key = server.create(json!({ "userId": "ada" })).await;
    assert!(server.is_valid(&key).await);
    server.terminate();
    assert!(server.wait());
}
