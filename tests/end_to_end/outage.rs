//! A database that goes away and comes back: 503 meanwhile, and no restart.

use keymint_test_postgres::PrivateCluster;
use serde_json::json;

use crate::process::Place;

#[tokio::test(flavor = "multi_thread")]
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
    assert_eq!(server.status_of("/readyz").await, 503);
    assert_eq!(server.status_of("/healthz").await, 200);

    cluster.start_again().await;
    assert!(server.is_valid(&key).await);
    assert_eq!(server.status_of("/readyz").await, 200);
}

#[test]
fn a_database_that_cannot_be_reached_at_the_start_is_named_without_its_password() {
    let place = Place::on("postgres://ada:hunter2@127.0.0.1:1/none");
    let output = place.run(&[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(stderr.starts_with("error: ") && !stderr.contains("hunter2"), "{stderr}");
}
