//! Keymint is killed at any point of rotations: a key has one or two valid secrets, never none and never three.

use std::sync::Arc;
use std::time::Duration;

use keymint_test_support::keymint::{Place, Server};
use serde_json::{Value, json};

/// The number of kills.
const KILLS: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_leaves_one_or_two_valid_secrets_at_every_kill() {
    a_killed_server_leaves_one_or_two_valid_secrets(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_leaves_one_or_two_valid_secrets_at_every_kill() {
    a_killed_server_leaves_one_or_two_valid_secrets(Place::on(&keymint_test_postgres::database().await)).await;
}

async fn a_killed_server_leaves_one_or_two_valid_secrets(place: Place) {
    let mut server = Arc::new(place.serve());
    let key = server.create(json!({ "userId": "ada", "remaining": 1_000_000, "rateLimitEnabled": false })).await;
    let (id, mut known) = (key["id"].clone(), vec![key["key"].clone()]);
    let mut seen = [0; 3];
    for number in 0..KILLS {
        let rotating = tokio::spawn(rotate_on(Arc::clone(&server), id.clone(), known));
        // Any point within the first rotations of a server: the step is prime, so that the points differ.
        tokio::time::sleep(Duration::from_micros(number * 7919 % 30_000)).await;
        server.kill();
        known = rotating.await.unwrap();
        server = Arc::new(place.serve());
        let mut valid = 0;
        for secret in &known {
            let (_, verdict) = server.post("verify", json!({ "key": secret, "cost": 0 })).await;
            valid += usize::from(verdict["valid"] == true);
        }
        assert!((1..=2).contains(&valid), "{valid} of {} secrets are valid after kill {number}", known.len());
        seen[valid] += 1;
    }
    assert!(known.len() > 10 && seen[1] > 0 && seen[2] > 0, "{} secrets, {seen:?}", known.len());
}

/// Rotates a key for as long as the server answers. Returns the secrets that it has told so far.
async fn rotate_on(server: Arc<Server>, id: Value, mut known: Vec<Value>) -> Vec<Value> {
    loop {
        let body = json!({ "keyId": id, "graceSeconds": 3600, "endFormer": true });
        let Ok((status, rotated)) = server.try_post("rotate", &body).await else { return known };
        assert_eq!(status, 200, "{rotated}");
        let former = known.last().cloned();
        known.push(rotated["key"].clone());
        for secret in [known.last().cloned(), former] {
            if server.try_post("verify", &json!({ "key": secret })).await.is_err() {
                return known;
            }
        }
        if server.try_post("rotation/finish", &json!({ "keyId": id })).await.is_err() {
            return known;
        }
    }
}
