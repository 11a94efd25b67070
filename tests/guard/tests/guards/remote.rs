//! The client of a remote Keymint, by itself and behind the examples.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keymint_domain::key::PlainKey;
use keymint_domain::usage::Standing;
use keymint_domain::verify::Cost;
use keymint_guard::{InvalidRemote, LimitFields, Remote, RemoteOptions, Verifier, VerifierError};
use keymint_guard_suite::support::{
    QUOTA, SERVER_KEY, get, keymint, keymint_in, keymint_on, left, listener, mint, refusal, remote, service,
};
use keymint_service::VerifyKey;
use keymint_store_memory::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::examples::by_remote;

/// The examples' applications over the Keymint at `base_url`.
fn example(base_url: &str, server_key: &str, options: RemoteOptions) -> [SocketAddr; 2] {
    by_remote(|| Remote::new(base_url, server_key, options).unwrap())
}

/// A server that reads each request and answers it with `answer`, or not at all; it counts them.
fn stub(answer: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let (listener, address) = listener();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let read = socket.read(&mut [0; 4096]).await.unwrap();
            counted.fetch_add(usize::from(read > 0), Ordering::SeqCst);
            match answer {
                Some(answer) => socket.write_all(answer.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
        }
    });
    (format!("http://{address}/api/auth"), requests)
}

const UNAVAILABLE: (u16, &str, &str) = (503, "SERVICE_UNAVAILABLE", "1");
const BROKEN: (u16, &str, &str) = (500, "INTERNAL_SERVER_ERROR", "");

/// Compares the answers of the examples' routes to a client with a key: `/report` fails closed, `/hello` open.
async fn assert_answers(addresses: [SocketAddr; 2], report: (u16, &str, &str), hello: (u16, &str)) {
    let shown = [("x-api-key", "any")];
    for address in addresses {
        let (status, code, retry) = refusal(address, "/report", &shown).await;
        assert_eq!((status, code.as_str(), retry.as_str()), report);
        let response = get(address, "/hello", &shown).await;
        let (status, body) = (response.status().as_u16(), response.text().await.unwrap());
        assert!(status == hello.0 && body.contains(hello.1), "{status} {body}");
    }
}

/// Rounds the waiting times to the whole seconds that a remote Keymint tells.
fn in_seconds(limits: &[Standing]) -> Vec<Standing> {
    let up = |more_in_ms: u64| more_in_ms.div_ceil(1000) * 1000;
    limits.iter().map(|limit| Standing { more_in_ms: limit.more_in_ms.map(up), ..*limit }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_keymint_tells_of_a_key_what_an_embedded_one_does() {
    let keys = service(MemoryStore::default());
    let (_, limited) = mint(&keys, |_| ()).await;
    let (_, free) = mint(&keys, |new| new.rate_limit_enabled = Some(false)).await;
    for (key, left) in [(limited, Some(6)), (free, None)] {
        let look = VerifyKey { cost: Cost(0), ..VerifyKey::of(key.clone()) };
        for (_, fields) in LimitFields::WORDS {
            let remote = remote(&keymint_in(fields, Arc::clone(&keys)));
            remote.verify(VerifyKey::of(key.clone())).await.unwrap().unwrap();
            let told = remote.verify(look.clone()).await.unwrap().unwrap();
            let mut expected = Verifier::verify(&*keys, look.clone()).await.unwrap().unwrap();
            expected.limits = in_seconds(&expected.limits);
            if fields == LimitFields::None {
                let limits = std::mem::take(&mut expected.limits);
                assert_eq!(limits.len(), usize::from(left.is_some()));
            }
            assert_eq!(told, expected, "{fields:?}");
        }
        let told = Verifier::verify(&*keys, look).await.unwrap().unwrap();
        assert_eq!(told.rate_limit().map(|limit| limit.remaining), left, "four were paid");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keymint_that_is_down_closes_routes_but_those_that_fail_open() {
    // Bound and let go: nobody listens there.
    let address = listener().1;
    let base_url = format!("http://{address}/api/auth");
    let options = RemoteOptions { pause: Duration::from_millis(1), ..RemoteOptions::default() };
    assert_answers(example(&base_url, SERVER_KEY, options), UNAVAILABLE, (200, "whoever you are")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (base_url, requests) = stub(None);
    let options = RemoteOptions {
        deadline: Duration::from_millis(100),
        retries: 5,
        pause: Duration::ZERO,
        ..RemoteOptions::default()
    };
    let asked = Remote::new(&base_url, SERVER_KEY, options).unwrap().verify(VerifyKey::of(PlainKey::new("any"))).await;
    assert!(matches!(asked, Err(VerifierError::Unavailable(_))), "{asked:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 1, "the deadline");

    // The connection closes without an answer.
    let (base_url, requests) = stub(Some(""));
    let asked = Remote::new(&base_url, SERVER_KEY, options).unwrap().verify(VerifyKey::of(PlainKey::new("any"))).await;
    assert!(matches!(asked, Err(VerifierError::Unavailable(_))), "{asked:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 1, "a broken connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_refused_is_tried_again() {
    let keys = service(MemoryStore::default());
    let (id, key) = mint(&keys, |_| ()).await;
    let address = listener().1;
    let options = RemoteOptions { deadline: Duration::from_mins(1), retries: 12, ..RemoteOptions::default() };
    let remote = Remote::new(&format!("http://{address}/api/auth"), SERVER_KEY, options).unwrap();
    // The first try is refused before the server begins to listen.
    let begin = async { keymint_on(TcpListener::bind(address).unwrap(), Arc::clone(&keys)) };
    let (answer, _) = tokio::join!(biased; remote.verify(VerifyKey::of(key)), begin);
    assert_eq!(answer.unwrap().unwrap().id, id);
    assert_eq!(left(&keys, &id).await, QUOTA - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_no_verdict_let_nobody_in() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\nconnection: close\r\n\r\n{\"valid\": true}";
    let redirect = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    for answer in [ok, redirect] {
        let addresses = example(&stub(Some(answer)).0, SERVER_KEY, RemoteOptions::default());
        assert_answers(addresses, BROKEN, (500, "INTERNAL_SERVER_ERROR")).await;
    }
    let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let addresses = example(&stub(Some(busy)).0, SERVER_KEY, RemoteOptions::default());
    assert_answers(addresses, UNAVAILABLE, (200, "whoever you are")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_server_key_opens_nothing() {
    let keys = service(MemoryStore::default());
    let wrong = "another-server-key-of-thirty-two-or-more";
    let addresses = example(&keymint(keys), wrong, RemoteOptions::default());
    assert_answers(addresses, BROKEN, (500, "INTERNAL_SERVER_ERROR")).await;
}

#[test]
fn a_client_without_an_address_or_a_server_key_is_not_made() {
    let options = RemoteOptions::default();
    for url in ["", "keys.example.com", "ftp://keys.example.com", "http://ada:secret@keys.example.com", "http://k/?a=b"]
    {
        assert!(matches!(Remote::new(url, SERVER_KEY, options), Err(InvalidRemote::Url)), "{url}");
    }
    for key in ["", "short", "a server key of thirty-two or more"] {
        assert!(matches!(Remote::new("http://k", key, options), Err(InvalidRemote::ServerKey)), "{key}");
    }
    let remote = Remote::new("http://k/api/auth/", SERVER_KEY, options).unwrap();
    let printed = format!("{remote:?}");
    assert!(printed.contains("http://k/api/auth/api-key/verify") && !printed.contains(SERVER_KEY), "{printed}");
}
