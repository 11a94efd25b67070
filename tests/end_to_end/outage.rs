//! A database that goes away and comes back: 503 meanwhile, and no restart.

use std::time::Duration;

use keymint_test_postgres::PrivateCluster;
use serde_json::json;

use crate::process::{Place, Server};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn a_postgres_that_is_down_is_503_until_it_is_back() {
    let cluster = PrivateCluster::start().await;
    let place = Place::on(&cluster.database().await);
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 9 })).await;
    assert!(server.is_valid(&key).await);

    cluster.stop().await;
    for path in ["verify", "create"] {
        let (status, body) = server.post(path, json!({ "key": key["key"], "userId": "ada" })).await;
        assert_eq!((status.as_u16(), &body["code"]), (503, &json!("SERVICE_UNAVAILABLE")), "{path}: {body}");
    }
    readiness_becomes(&server, 503).await;
    assert_eq!(server.status_of("/healthz").await, 200);

    cluster.start_again().await;
    assert!(server.is_valid(&key).await);
    readiness_becomes(&server, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_that_is_moved_away_is_503_until_it_is_back() {
    let place = Place::new();
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 9 })).await;
    let (file, away) = (place.path().join("keymint.db"), place.path().join("away.db"));
    std::fs::rename(&file, &away).unwrap();
    let (status, body) = server.post("verify", json!({ "key": key["key"] })).await;
    assert_eq!((status.as_u16(), &body["code"]), (503, &json!("SERVICE_UNAVAILABLE")), "{body}");
    readiness_becomes(&server, 503).await;
    assert_eq!(server.status_of("/healthz").await, 200);

    std::fs::rename(&away, &file).unwrap();
    assert!(server.is_valid(&key).await);
    readiness_becomes(&server, 200).await;
}

/// Polls until the server's readiness becomes `status`: within a second, or two seconds after the last verification.
async fn readiness_becomes(server: &Server, status: u16) {
    let learnt = async { while server.status_of("/readyz").await != status {} };
    assert!(tokio::time::timeout(Duration::from_secs(20), learnt).await.is_ok(), "never {status}");
}

#[test]
fn a_database_that_cannot_be_reached_at_the_start_is_named_without_its_password() {
    let place = Place::on("postgres://ada:hunter2@127.0.0.1:1/none");
    let output = place.run(&[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(stderr.starts_with("error: ") && !stderr.contains("hunter2"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_past_a_log_that_was_deleted_is_never_valid_again() {
    let place = Place::new();
    let mut server = place.serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    server.terminate();
    assert!(server.wait());
    let mut server = place.serve();
    assert!(server.is_valid(&key).await);
    for part in ["keymint.db-wal", "keymint.db-shm"] {
        std::fs::remove_file(place.path().join(part)).unwrap();
    }
    place.json(&["key", "revoke", key["id"].as_str().unwrap(), "--json"]);
    let (status, body) = server.post("verify", json!({ "key": key["key"] })).await;
    assert_eq!((status.as_u16(), &body["code"]), (503, &json!("SERVICE_UNAVAILABLE")), "{body}");
    assert_eq!(server.post("create", json!({ "userId": "ada" })).await.0, 503);
    server.terminate();
    server.wait();
    let server = place.serve();
    assert!(!server.is_valid(&key).await, "what was written meanwhile stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_the_log_has_filled_is_in_use_again_without_a_restart() {
    let place = Place::new();
    // No file grows beyond a megabyte or two, and a writer gets an error.
    let server = place.serve_by("trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"");
    let key = server.create(json!({ "userId": "ada", "rateLimitMax": 1_000_000, "rateLimitTimeWindow": 60_000 })).await;
    let verify = async || server.post("verify", json!({ "key": key["key"] })).await.0.as_u16();
    let mut statuses = Vec::new();
    while statuses.len() < 5000 && statuses.last() != Some(&503) {
        statuses.push(verify().await);
    }
    assert_eq!(statuses.last(), Some(&503), "the log reaches its limit");
    // The next call begins the checkpoint.
    let in_use = async { while verify().await != 200 {} };
    assert!(tokio::time::timeout(Duration::from_secs(20), in_use).await.is_ok(), "the log begins anew");
}
