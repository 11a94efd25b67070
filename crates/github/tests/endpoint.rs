//! GitHub's endpoint of public keys, faked on a socket, and the signature of GitHub's documentation.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_github::HttpGithubKeys;
use keymint_ports::{FetchFailure, FetchedKeys, GithubKeys as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The sample of GitHub's documentation: the body, the key's identifier and point, and the signature.
const BODY: &str =
    r#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#;
const KEY_ID: &str = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c";
const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\n\
                   AjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n";
const SIGNATURE: &str =
    "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==";

/// Answers each connection with the next text, the last one again and again.
struct Endpoint {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Endpoint {
    async fn answering(answers: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/meta/public_keys/secret_scanning", listener.local_addr().unwrap());
        let (heads, mut answers) = (Arc::new(Mutex::new(Vec::new())), answers.to_vec());
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && peer.read_buf(&mut head).await.unwrap_or(0) > 0 {}
                seen.lock().unwrap().push(String::from_utf8_lossy(&head).to_ascii_lowercase());
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                if answer.is_empty() {
                    // Nobody ever answers.
                    tokio::spawn(async move {
                        let _kept = peer;
                        std::future::pending::<()>().await;
                    });
                    continue;
                }
                drop(peer.write_all(answer.as_bytes()).await);
            }
        });
        Self { url, heads, task }
    }

    fn client(&self) -> HttpGithubKeys {
        HttpGithubKeys::new(&self.url).unwrap()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn listed(key_ids: &[&str]) -> String {
    let entries = key_ids.iter().map(|id| {
        let pem = PEM.replace('\n', "\\n");
        format!(r#"{{"key_identifier":"{id}","key":"{pem}","is_current":true}}"#)
    });
    format!(r#"{{"public_keys":[{}]}}"#, entries.collect::<Vec<_>>().join(","))
}

async fn fetch(answers: &[String]) -> Result<FetchedKeys, FetchFailure> {
    Endpoint::answering(answers).await.client().fetch(None).await
}

#[tokio::test]
async fn the_sample_of_githubs_documentation_verifies_and_no_other_body_does() {
    let endpoint = Endpoint::answering(&[answer("200 OK", "", &listed(&["other", KEY_ID]))]).await;
    let client = endpoint.client();
    let FetchedKeys::All { keys, tag } = client.fetch(None).await.unwrap() else { panic!() };
    assert_eq!(tag, None);
    let key = keys.iter().find(|key| &*key.id == KEY_ID).unwrap();
    let signature = STANDARD.decode(SIGNATURE).unwrap();
    assert!(client.verify(key, BODY.as_bytes(), &signature));
    for body in [&BODY[..BODY.len() - 1], &BODY.replace("some_token", "Some_token"), &format!("{BODY}\n"), ""] {
        assert!(!client.verify(key, body.as_bytes(), &signature), "{body}");
    }
    for place in 0..signature.len() {
        let mut forged = signature.clone();
        forged[place] ^= 1;
        assert!(!client.verify(key, BODY.as_bytes(), &forged), "byte {place}");
    }
    for signature in [&signature[1..], &signature[..signature.len() - 1], &[], &[0; 70]] {
        assert!(!client.verify(key, BODY.as_bytes(), signature));
    }
    let mut other = key.clone();
    other.point[1] ^= 1;
    assert!(!client.verify(&other, BODY.as_bytes(), &signature), "it is no point of the curve");
    let head = &endpoint.heads.lock().unwrap()[0];
    assert!(head.starts_with("get /meta/public_keys/secret_scanning http/1.1\r\n"), "{head}");
    assert!(head.contains("user-agent: keymint/") && !head.contains("if-none-match"), "{head}");
}

#[tokio::test]
async fn keys_are_asked_for_by_their_tag_and_a_304_leaves_them() {
    let first = answer("200 OK", "ETag: W/\"one\"\r\n", &listed(&["a"]));
    let same = "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_owned();
    let next = answer("200 OK", "etag: \"two\"\r\n", &listed(&["b"]));
    let endpoint = Endpoint::answering(&[first, same, next]).await;
    let client = endpoint.client();
    let ids = |fetched: &FetchedKeys| match fetched {
        FetchedKeys::All { keys, .. } => keys.iter().map(|key| key.id.to_string()).collect(),
        FetchedKeys::Unchanged => Vec::new(),
    };
    let fetched = client.fetch(None).await.unwrap();
    assert!(matches!(&fetched, FetchedKeys::All { tag: Some(tag), .. } if &**tag == "W/\"one\""));
    assert_eq!(ids(&fetched), ["a"]);
    assert_eq!(client.fetch(Some("W/\"one\"".into())).await, Ok(FetchedKeys::Unchanged));
    assert_eq!(ids(&client.fetch(Some("W/\"one\"".into())).await.unwrap()), ["b"]);
    let heads = endpoint.heads.lock().unwrap();
    assert!(heads[1].contains("if-none-match: w/\"one\"\r\n"), "{}", heads[1]);
}

#[tokio::test]
async fn an_answer_without_keys_is_a_failure() {
    for body in ["", "<html>", "{}", r#"{"public_keys":[]}"#, r#"{"public_keys":[{"key_identifier":"a","key":"x"}]}"#] {
        assert_eq!(fetch(&[answer("200 OK", "", body)]).await, Err(FetchFailure::Unusable), "{body}");
    }
    let long = format!("{}{}", " ".repeat(300 * 1024), listed(&["a"]));
    assert_eq!(fetch(&[answer("200 OK", "", &long)]).await, Err(FetchFailure::Unusable));
    for status in ["403 rate limited", "500 Oops", "301 Moved Permanently\r\nlocation: http://127.0.0.1:1/"] {
        let code = status[..3].parse().unwrap();
        assert_eq!(fetch(&[answer(status, "", &listed(&["a"]))]).await, Err(FetchFailure::Status(code)));
    }
    let unasked = "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_owned();
    assert_eq!(fetch(&[unasked]).await, Err(FetchFailure::Status(304)));
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_silent_costs_a_bounded_time() {
    assert_eq!(fetch(&["nonsense\r\n\r\n".to_owned()]).await, Err(FetchFailure::NoConnection));
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned();
    assert_eq!(fetch(&[cut]).await, Err(FetchFailure::NoConnection));
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(
        HttpGithubKeys::new(&format!("http://{gone}/")).unwrap().fetch(None).await,
        Err(FetchFailure::NoConnection)
    );
    let silent = timeout(Duration::from_secs(20), fetch(&[String::new()])).await.unwrap();
    assert_eq!(silent, Err(FetchFailure::TimedOut));
}
