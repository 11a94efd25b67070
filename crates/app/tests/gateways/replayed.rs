//! The request of a gateway that is not run here, as in its document.

use keymint_test_support::keymint::Server;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::assertion::claims;
use crate::document::{block, substituted};
use crate::keymint;

/// Sends the request of a document with a key in it, and returns the answer.
async fn replay(document: &str, keymint: &Server, key: &str) -> String {
    let request = substituted(block(document, "http"), &[("<key>", key), ("\n", "\r\n")]);
    let mut stream = TcpStream::connect(keymint.address).await.unwrap();
    stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn apisix_is_answered_as_it_understands_it() {
    let keymint = keymint::start();
    let reader = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "remaining": 5 });
    let reader = keymint.create_text(reader).await;
    let answer = replay("apisix.md", &keymint, &reader).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for line in
        ["x-key-owner: ada", "x-key-remaining: 4", "x-key-meta: -", "content-length: 0", "x-key-header: x-api-key"]
    {
        assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line} in {answer}");
    }
    let assertion = answer.split("\r\nx-key-assertion: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let request = json!({ "method": "POST", "host": "api.example.com", "path": "/api/files" });
    assert_eq!(claims(assertion)["request"], request);
    let other = keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["list"] } })).await;
    let limited = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "rateLimitMax": 1, "rateLimitTimeWindow": 60_000 });
    let limited = keymint.create_text(limited).await;
    assert!(replay("apisix.md", &keymint, &limited).await.starts_with("HTTP/1.1 200 "));
    for (key, status, code) in [
        ("nonsense", "401", "INVALID_API_KEY"),
        (other.as_str(), "403", "INSUFFICIENT_PERMISSIONS"),
        (limited.as_str(), "429", "RATE_LIMITED"),
    ] {
        let answer = replay("apisix.md", &keymint, key).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(code) && answer.contains("\r\ncontent-type: application/problem+json\r\n"));
        assert_eq!(answer.contains("\r\nretry-after: "), status == "429", "{answer}");
    }
}
