use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keymint_actix::guard::{InvalidRemote, Remote, RemoteOptions, Verifier};
use keymint_domain::verify::Cost;
use keymint_service::VerifyKey;
use keymint_store_memory::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::remote_example::serve;
use crate::support::{SERVER_KEY, get, keymint, keymint_on, left, listener, mint, refusal, run, service, text};

/// The example's application over the Keymint at `base_url`.
fn example(base_url: &str, server_key: &str, options: RemoteOptions) -> SocketAddr {
    let (listener, address) = listener();
    run(serve(listener, Remote::new(base_url, server_key, options).unwrap()).unwrap());
    address
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

const UNAVAILABLE: (u16, &str, Option<u64>) = (503, "SERVICE_UNAVAILABLE", Some(1));
const BROKEN: (u16, &str, Option<u64>) = (500, "INTERNAL_SERVER_ERROR", None);

/// Returns the answers of the example's routes to a client with a key: `/report` fails closed, `/hello` open.
async fn assert_answers(address: SocketAddr, report: (u16, &str, Option<u64>), hello: (u16, &str)) {
    let shown = [("x-api-key", "any")];
    let (status, code, retry) = refusal(address, "/report", &shown).await;
    assert_eq!((status, code.as_str(), retry), report);
    let response = get(address, "/hello", &shown).await;
    let (status, body) = (response.status().as_u16(), response.text().await.unwrap());
    assert!(status == hello.0 && body.contains(hello.1), "{status} {body}");
}

#[actix_web::test]
async fn a_remote_keymint_decides_and_counts() {
    let keys = service(MemoryStore::default());
    let (id, key) = mint(&keys, |_| ()).await;
    let (_, bare) = mint(&keys, |new| new.permissions = None).await;
    let limit = |new: &mut keymint_domain::key::NewKey| {
        (new.rate_limit_max, new.rate_limit_window_ms) = (Some(1), Some(86_400_000));
    };
    let (_, limited) = mint(&keys, limit).await;
    let address = example(&keymint(Arc::clone(&keys)), SERVER_KEY, RemoteOptions::default());
    let refused = |status, code: &str| (status, code.to_owned(), None);

    assert_eq!(text(address, "/hello", &key).await, (200, "Hello, ada!".to_owned()));
    assert_eq!(text(address, "/report", &key).await, (200, format!("A report for ada, by key {id}.")));
    assert_eq!(left(&keys, &id).await, 1, "1 and 5 are paid");
    let exhausted = refusal(address, "/report", &[("x-api-key", key.expose())]).await;
    assert_eq!(exhausted, refused(429, "USAGE_EXCEEDED"));
    let unpermitted = refusal(address, "/report", &[("x-api-key", bare.expose())]).await;
    assert_eq!(unpermitted, refused(403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(refusal(address, "/hello", &[("x-api-key", "forged")]).await, refused(401, "INVALID_API_KEY"));
    assert_eq!(refusal(address, "/hello", &[]).await, refused(401, "UNAUTHORIZED"));
    assert_eq!(text(address, "/hello", &limited).await.0, 200);
    let (status, code, retry) = refusal(address, "/hello", &[("x-api-key", limited.expose())]).await;
    assert_eq!((status, code.as_str()), (429, "RATE_LIMITED"));
    assert!(retry.is_some_and(|seconds| (86_000..=86_400).contains(&seconds)), "{retry:?}");
}

#[actix_web::test]
async fn a_remote_keymint_tells_of_a_key_what_an_embedded_one_does() {
    let keys = service(MemoryStore::default());
    let remote = Remote::new(&keymint(Arc::clone(&keys)), SERVER_KEY, RemoteOptions::default()).unwrap();
    let (_, limited) = mint(&keys, |_| ()).await;
    let (_, free) = mint(&keys, |new| new.rate_limit_enabled = Some(false)).await;
    for (key, left) in [(limited, Some(8)), (free, None)] {
        for verifier in [&*keys as &dyn Verifier, &remote] {
            verifier.verify(VerifyKey::of(key.clone())).await.unwrap().unwrap();
        }
        let look = VerifyKey { cost: Cost(0), ..VerifyKey::of(key) };
        let told = remote.verify(look.clone()).await.unwrap().unwrap();
        assert_eq!(told.rate_limit.map(|limit| limit.left), left);
        assert_eq!(told, Verifier::verify(&*keys, look).await.unwrap().unwrap());
    }
}

#[actix_web::test]
async fn a_keymint_that_is_down_closes_routes_but_those_that_fail_open() {
    // Bound and let go: nobody listens there.
    let address = listener().1;
    let base_url = format!("http://{address}/api/auth");
    let options = RemoteOptions { pause: Duration::from_millis(1), ..RemoteOptions::default() };
    let address = example(&base_url, SERVER_KEY, options);
    assert_answers(address, UNAVAILABLE, (200, "whoever you are")).await;
    let without = refusal(address, "/hello", &[]).await;
    assert_eq!(without, (401, "UNAUTHORIZED".to_owned(), None), "failing open needs a key all the same");
}

#[actix_web::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (base_url, requests) = stub(None);
    let options = RemoteOptions {
        deadline: Duration::from_millis(100),
        retries: 5,
        pause: Duration::ZERO,
        ..RemoteOptions::default()
    };
    let address = example(&base_url, SERVER_KEY, options);
    let (status, ..) = refusal(address, "/report", &[("x-api-key", "any")]).await;
    assert_eq!((status, requests.load(Ordering::SeqCst)), (503, 1), "the deadline");

    // The connection closes without an answer.
    let (base_url, requests) = stub(Some(""));
    let address = example(&base_url, SERVER_KEY, options);
    let (status, ..) = refusal(address, "/report", &[("x-api-key", "any")]).await;
    assert_eq!((status, requests.load(Ordering::SeqCst)), (503, 1), "a broken connection");
}

#[actix_web::test]
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
    assert_eq!(left(&keys, &id).await, 6);
}

#[actix_web::test]
async fn answers_that_are_no_verdict_let_nobody_in() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\nconnection: close\r\n\r\n{\"valid\": true}";
    let redirect = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    for answer in [ok, redirect] {
        let address = example(&stub(Some(answer)).0, SERVER_KEY, RemoteOptions::default());
        assert_answers(address, BROKEN, (500, "INTERNAL_SERVER_ERROR")).await;
    }
    let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let address = example(&stub(Some(busy)).0, SERVER_KEY, RemoteOptions::default());
    assert_answers(address, UNAVAILABLE, (200, "whoever you are")).await;
}

#[actix_web::test]
async fn a_wrong_server_key_opens_nothing() {
    let keys = service(MemoryStore::default());
    let wrong = "another-server-key-of-thirty-two-or-more";
    let address = example(&keymint(keys), wrong, RemoteOptions::default());
    assert_answers(address, BROKEN, (500, "INTERNAL_SERVER_ERROR")).await;
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
