//! Counters are exact across processes: two servers on one database, raced.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::process::{Place, Server, places};

/// Uses `key` `uses` times at both servers at the same time, and counts the admitted uses.
async fn race(servers: [&Server; 2], key: &Value, uses: usize) -> usize {
    let verdicts = join_all((0..uses).map(|number| servers[number % 2].is_valid(key))).await;
    verdicts.into_iter().filter(|valid| *valid).count()
}

async fn two_processes_admit_exactly_what_is_left(place: Place) {
    let (one, two) = (place.serve(), place.serve());
    let unlimited = json!({ "userId": "ada", "remaining": 60, "rateLimitEnabled": false });
    assert_eq!(race([&one, &two], &one.create(unlimited).await, 150).await, 60);
    let limited = json!({ "userId": "ada", "rateLimitMax": 40, "rateLimitTimeWindow": 2_000_000_000 });
    assert_eq!(race([&one, &two], &two.create(limited).await, 100).await, 40);
    let refilled =
        json!({ "userId": "ada", "refillAmount": 25, "refillInterval": 2_000_000_000, "rateLimitEnabled": false });
    assert_eq!(race([&one, &two], &one.create(refilled).await, 80).await, 25);

    let revoked = one.create(json!({ "userId": "ada" })).await;
    assert!(two.is_valid(&revoked).await);
    one.post("update", json!({ "keyId": revoked["id"], "enabled": false })).await;
    assert!(!two.is_valid(&revoked).await, "what one process changes the next call of the other sees");
    one.post("delete", json!({ "keyId": revoked["id"] })).await;
    let (_, verdict) = two.post("verify", json!({ "key": revoked["key"] })).await;
    assert_eq!(verdict["error"]["code"], "INVALID_API_KEY");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_sqlite_file() {
    two_processes_admit_exactly_what_is_left(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn two_processes_on_one_postgres() {
    two_processes_admit_exactly_what_is_left(Place::on(&keymint_test_postgres::database().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_get_no_more_keys_than_configured_from_two_processes_at_once() {
    for place in places().await {
        let place = place.with("KEYMINT__API_KEY__0__MAX_KEYS_PER_USER", "5");
        let (one, two) = (place.serve(), place.serve());
        let body = json!({ "userId": "ada" });
        let created = join_all((0..30).map(|n| [&one, &two][n % 2].post("create", body.clone()))).await;
        let statuses: Vec<_> = created.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 403].contains(status)), "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_survive_a_restart() {
    for place in places().await {
        let body = json!({ "userId": "ada", "remaining": 10, "rateLimitMax": 3, "rateLimitTimeWindow": 2_000_000_000 });
        let before = place.serve();
        let key = before.create(body).await;
        assert!(before.is_valid(&key).await && before.is_valid(&key).await);
        drop(before);
        let after = place.serve();
        assert!(after.is_valid(&key).await);
        assert!(!after.is_valid(&key).await, "the limit of three was used up across the restart");
    }
}
