//! The requests of gateways that are not run here, as their documents have them.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::document::{block, substituted};
use crate::keymint::Keymint;

/// Sends the request of a document with a key in it, and returns the answer.
async fn replay(document: &str, keymint: &Keymint, key: &str) -> String {
    let request = substituted(block(document, "http"), &[("<key>", key), ("\n", "\r\n")]);
    let mut stream = TcpStream::connect(keymint.address).await.unwrap();
    stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn traefik_envoy_and_apisix_are_answered_as_they_understand_it() {
    let keymint = Keymint::start();
    for document in ["traefik.md", "envoy.md", "apisix.md"] {
        let reader = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "remaining": 5 });
        let reader = keymint.create(reader).await;
        let answer = replay(document, &keymint, &reader).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{document}: {answer}");
        for line in ["x-key-owner: ada", "x-key-remaining: 4", "x-key-meta: -", "content-length: 0"] {
            assert!(answer.contains(&format!("\r\n{line}\r\n")), "{document}: {line} in {answer}");
        }
        let other = keymint.create(json!({ "userId": "ada", "permissions": { "files": ["list"] } })).await;
        let limited = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "rateLimitMax": 1, "rateLimitTimeWindow": 60_000 });
        let limited = keymint.create(limited).await;
        assert!(replay(document, &keymint, &limited).await.starts_with("HTTP/1.1 200 "));
        for (key, status, code) in [
            ("nonsense", "401", "INVALID_API_KEY"),
            (other.as_str(), "403", "INSUFFICIENT_PERMISSIONS"),
            (limited.as_str(), "429", "RATE_LIMITED"),
        ] {
            let answer = replay(document, &keymint, key).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{document}: {answer}");
            assert!(answer.contains(code) && answer.contains("\r\ncontent-type: application/problem+json\r\n"));
            assert_eq!(answer.contains("\r\nretry-after: "), status == "429", "{document}: {answer}");
        }
    }
}
