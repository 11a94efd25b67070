//! A Keymint that is gone, or does not answer: nothing passes, and nobody waits.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::gateway::{Gateway, Kind};
use crate::keymint;
use crate::upstream;

behind_every_gateway!(fails_closed);

/// The longest time that a client may wait: a second for Keymint, another if the gateway asks twice, and the same again
/// for a slow machine.
const DEADLINE: Duration = Duration::from_secs(4);

async fn get(gateway: &Gateway, key: &str) -> StatusCode {
    let request = Client::new().get(format!("http://{}/api/files", gateway.address));
    request.header("x-api-key", key).timeout(DEADLINE).send().await.unwrap().status()
}

/// Returns an address that accepts connections, and never answers.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            kept.push(listener.accept().await.unwrap());
        }
    });
    address
}

/// Without a decision, nothing passes, and the client learns of it within a deadline.
async fn fails_closed(kind: Kind) {
    let abilities = kind.abilities();
    let keymint = keymint::start();
    let gateway = Gateway::start(kind, keymint.address, upstream::start()).await;
    let key = keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["read"] } })).await;
    assert_eq!(get(&gateway, &key).await, 200);
    drop(keymint);
    for _ in 0..2 {
        assert_eq!(get(&gateway, &key).await, abilities.when_down);
    }
    if let Some(status) = abilities.when_silent {
        let gateway = Gateway::start(kind, silent().await, upstream::start()).await;
        assert_eq!(get(&gateway, &key).await, status);
    }
}
