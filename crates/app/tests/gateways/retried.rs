//! A gateway that gets no answer and retries.

use std::net::SocketAddr;

use keymint_test_support::keymint::Server;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{Gateway, Kind};
use crate::keymint;
use crate::upstream;

const WINDOW: &[(&str, &str)] = &[("KEYMINT__AUTHORIZE__IDEMPOTENCY_WINDOW_MS", "60000")];

/// Returns an address that forwards to Keymint. The answer of the first connection is lost, the second works, and so
/// on.
async fn breaking(keymint: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0_u64.. {
            let (mut gateway, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(keymint).await.unwrap();
            tokio::spawn(async move {
                if number % 2 == 1 {
                    let _ = copy_bidirectional(&mut gateway, &mut server).await;
                    return;
                }
                let mut question = Vec::new();
                while !question.ends_with(b"\r\n\r\n") && gateway.read_buf(&mut question).await.unwrap() > 0 {}
                server.write_all(&question).await.unwrap();
                assert!(server.read(&mut [0; 1024]).await.unwrap() > 0, "Keymint has decided");
            });
        }
    });
    address
}

async fn key(keymint: &Server) -> String {
    keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["read"] }, "remaining": 10 })).await
}

/// Returns the calls that a key has left after a request with a client's id through a gateway.
async fn left(gateway: &Gateway, key: &str) -> Value {
    let request = Client::new().get(format!("http://{}/api/files", gateway.address));
    let response = request.header("x-api-key", key).header("x-request-id", "one").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let seen: Value = response.json().await.unwrap();
    seen["headers"]["x-key-remaining"][0].clone()
}

#[tokio::test]
async fn nginx_asks_twice_and_the_client_pays_once() {
    for (variables, expected) in [(WINDOW, "9"), (&[][..], "8")] {
        let keymint = keymint::start_with(variables);
        let gateway = Gateway::start(Kind::Nginx, breaking(keymint.address).await, upstream::start()).await;
        assert_eq!(left(&gateway, &key(&keymint).await).await, expected);
    }
}

#[tokio::test]
async fn caddy_asks_twice_and_the_client_pays_once() {
    for (variables, expected) in [(WINDOW, "9"), (&[][..], "8")] {
        let keymint = keymint::start_with(variables);
        let gateway = Gateway::start(Kind::Caddy, breaking(keymint.address).await, upstream::start()).await;
        assert_eq!(left(&gateway, &key(&keymint).await).await, expected);
    }
}

#[tokio::test]
async fn a_client_that_gives_all_its_requests_one_id_pays_for_each() {
    let keymint = keymint::start_with(WINDOW);
    let upstream = upstream::start();
    for kind in [Kind::Nginx, Kind::Caddy, Kind::Envoy, Kind::Haproxy, Kind::Apache] {
        let gateway = Gateway::start(kind, keymint.address, upstream).await;
        let key = key(&keymint).await;
        for expected in ["9", "8", "7"] {
            assert_eq!(left(&gateway, &key).await, expected);
        }
    }
}
