//! The sender against real sockets.

#![expect(clippy::unwrap_used, reason = "test support")]

mod receiver;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keymint_domain::address::{Network, Networks};
use keymint_domain::webhook::{OutboundRules, WebhookUrl};
use keymint_ports::{SendFailure, SignedDelivery, WebhookSender as _};
use keymint_webhook_sender::{HttpSender, Lookup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::receiver::{Receiver, read_request};

/// Admits these networks, without TLS too.
fn rules(networks: &[&str]) -> OutboundRules {
    let networks = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
    OutboundRules::new(Networks::new(networks).unwrap(), true)
}

/// Answers these addresses one after the other, the last one for ever.
struct Scripted {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = Mutex::new(answers.iter().rev().map(addresses).collect());
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Lookup for Scripted {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        Ok(if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() })
    }
}

fn sender(rules: OutboundRules, lookup: &Arc<Scripted>) -> HttpSender {
    let lookup: Arc<dyn Lookup> = Arc::clone(lookup) as _;
    HttpSender::with_lookup(rules, &lookup).unwrap()
}

/// A sender that may call 127.0.0.1, without TLS too.
fn local() -> HttpSender {
    sender(rules(&["127.0.0.1"]), &Scripted::new(&[&["127.0.0.1"]]))
}

fn delivery(url: &str) -> SignedDelivery {
    let url = WebhookUrl::from_stored(url).unwrap();
    SignedDelivery {
        url,
        id: "e1".into(),
        seconds: 1_700_000_000,
        signatures: "v1,a v1,b".into(),
        body: "{\"é\":1}".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_arrives_with_its_headers_and_its_body() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let sent = local().send(&delivery(&receiver.url("/hooks?t=1"))).await;
    assert_eq!(sent, Ok(204));
    let request = receiver.requests().remove(0);
    assert!(request.starts_with("POST /hooks?t=1 HTTP/1.1\r\n"), "{request}");
    for line in [
        "webhook-id: e1",
        "webhook-timestamp: 1700000000",
        "webhook-signature: v1,a v1,b",
        "content-type: application/json",
        "user-agent: keymint/",
        "content-length: 8",
    ] {
        assert!(request.contains(line), "{line}: {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"é\":1}"), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let target = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url("/"));
        let receiver = Receiver::answering(&answer).await;
        assert_eq!(local().send(&delivery(&receiver.url("/"))).await, Ok(status));
    }
    assert_eq!(target.requests(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_is_given_up_after_15_seconds() {
    let silent = Receiver::with(move |mut peer: TcpStream| async move {
        read_request(&mut peer).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
    })
    .await;
    // It does not read either, so that a body larger than the buffers of the sockets does not leave.
    let deaf = Receiver::with(move |peer: TcpStream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(peer);
    })
    .await;
    // One byte of a header per second is no answer.
    let slow = Receiver::with(move |mut peer: TcpStream| async move {
        while peer.write_all(b"H").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let large = SignedDelivery { body: "x".repeat(20_000_000), ..delivery(&deaf.url("/")) };
    let sender = local();
    let all = async {
        let (silent, slow) = (delivery(&silent.url("/")), delivery(&slow.url("/")));
        tokio::join!(sender.send(&silent), sender.send(&large), sender.send(&slow))
    };
    assert!(timeout(Duration::from_secs(14), sender.send(&delivery(&silent.url("/")))).await.is_err(), "too early");
    let (silent, deaf, slow) = timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!((silent, deaf), (Err(SendFailure::TimedOut), Err(SendFailure::TimedOut)));
    assert!(slow.is_err(), "{slow:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_gigabyte_is_read_up_to_64_kib() {
    const GIGABYTE: usize = 1 << 30;
    for head in ["content-length: 1073741824", "transfer-encoding: chunked"] {
        let written = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&written);
        let is_chunked = head.starts_with("transfer");
        let receiver = Receiver::with(move |mut peer: TcpStream| async move {
            read_request(&mut peer).await;
            peer.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes()).await.unwrap();
            let chunk = vec![b'x'; 1 << 16];
            while counted.load(Ordering::SeqCst) < GIGABYTE {
                let size = if is_chunked { b"10000\r\n".as_slice() } else { b"" };
                let end = if is_chunked { b"\r\n".as_slice() } else { b"" };
                if peer.write_all(&[size, &chunk, end].concat()).await.is_err() {
                    return;
                }
                counted.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        })
        .await;
        let sent = timeout(Duration::from_secs(5), local().send(&delivery(&receiver.url("/")))).await;
        assert_eq!(sent.unwrap(), Ok(200), "{head}");
        receiver.is_left().await;
        // The buffers of both sockets are beyond anybody's control.
        let written = written.load(Ordering::SeqCst);
        assert!(written < 32 << 20, "{head}: {written} bytes left the receiver");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_before_the_answer_is_a_failure_and_one_that_ends_behind_the_status_is_none() {
    for (part, expected) in [
        ("", Err(SendFailure::Broken)),
        ("HTTP/1.1 20", Err(SendFailure::Broken)),
        ("this is no HTTP\r\n\r\n", Err(SendFailure::Broken)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", Ok(200)),
        ("HTTP/1.1 410 Gone\r\ncontent-length: 100\r\n\r\n", Ok(410)),
    ] {
        let receiver = Receiver::answering(part).await;
        assert_eq!(local().send(&delivery(&receiver.url("/"))).await, expected, "{part:?}");
    }
    let body_hangs = Receiver::with(move |mut peer: TcpStream| async move {
        read_request(&mut peer).await;
        peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
    })
    .await;
    let sent = timeout(Duration::from_secs(5), local().send(&delivery(&body_hangs.url("/")))).await;
    assert_eq!(sent.unwrap(), Ok(200), "its status has decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_is_no_connection_and_no_name_is_no_address() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let sent = local().send(&delivery(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(sent, Err(SendFailure::NoConnection));
    let nowhere = sender(rules(&["127.0.0.1"]), &Scripted::new(&[&[]]));
    assert_eq!(nowhere.send(&delivery("http://nowhere.example/")).await, Err(SendFailure::NoAddress));
    let url = WebhookUrl::from_stored("http://nowhere.example/").unwrap();
    assert_eq!(nowhere.check(&url).await, Err(SendFailure::NoAddress));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_address_is_never_connected_to() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = receiver.port();
    for (url, answers) in [
        (format!("http://127.0.0.1:{port}/"), &[] as &[&str]),
        (format!("https://127.0.0.1:{port}/"), &[]),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), &[]),
        (format!("http://2130706433:{port}/"), &[]),
        (format!("http://name.example:{port}/"), &["127.0.0.1"]),
        (format!("https://name.example:{port}/"), &["127.0.0.1"]),
        (format!("https://name.example:{port}/"), &["::ffff:127.0.0.1"]),
        (format!("https://name.example:{port}/"), &["::1"]),
        (format!("https://name.example:{port}/"), &["8.8.8.8", "127.0.0.1"]),
        (format!("http://name.example:{port}/"), &["10.0.0.1", "127.0.0.1"]),
    ] {
        let sender = sender(rules(&["10.0.0.0/8"]), &Scripted::new(&[answers]));
        let sent = sender.send(&delivery(&url)).await;
        assert!(matches!(sent, Err(SendFailure::Forbidden(_))), "{url}: {sent:?}");
        let checked = sender.check(&WebhookUrl::from_stored(&url).unwrap()).await;
        assert!(matches!(checked, Err(SendFailure::Forbidden(_))), "{url}: {checked:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_rebound_between_two_look_ups_reaches_only_what_was_checked() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    // 127.0.0.2 stands for the private address, and something listens there.
    let private = TcpListener::bind(("127.0.0.2", receiver.port())).await.unwrap();
    let lookup = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let sender = sender(rules(&["127.0.0.1"]), &lookup);
    let url = format!("http://rebinding.example:{}/", receiver.port());
    assert_eq!(sender.send(&delivery(&url)).await, Ok(200));
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1, "the address that was checked is the one that was called");
    for _ in 0..3 {
        let sent = sender.send(&delivery(&url)).await;
        assert!(matches!(sent, Err(SendFailure::Forbidden(_))), "{sent:?}");
    }
    assert_eq!(receiver.connections(), 1);
    assert!(timeout(Duration::from_millis(50), private.accept()).await.is_err(), "nobody came to the private one");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_reaches_allowed_networks_alone() {
    let public = sender(rules(&["127.0.0.1"]), &Scripted::new(&[&["8.8.8.8"]]));
    let sent = public.send(&delivery("http://public.example/")).await;
    assert!(matches!(&sent, Err(SendFailure::Forbidden(forbidden)) if forbidden.reason == "reached without TLS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified() {
    let made = rcgen::generate_simple_self_signed(vec!["good.example".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let receiver = Receiver::with(move |peer: TcpStream| async move {
        let Ok(mut peer) = acceptor.accept(peer).await else { return };
        let mut request = [0; 4096];
        assert!(peer.read(&mut request).await.unwrap() > 0);
        peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    })
    .await;
    let lookup: Arc<dyn Lookup> = Scripted::new(&[&["127.0.0.1"]]);
    let trusting = HttpSender::trusting(&[certificate], rules(&["127.0.0.1"]), &lookup).unwrap();
    let url = |host: &str| format!("https://{host}:{}/", receiver.port());
    assert_eq!(trusting.send(&delivery(&url("good.example"))).await, Ok(200));
    assert_eq!(trusting.send(&delivery(&url("other.example"))).await, Err(SendFailure::Certificate));
    let by_the_system = HttpSender::with_lookup(rules(&["127.0.0.1"]), &lookup).unwrap();
    assert_eq!(by_the_system.send(&delivery(&url("good.example"))).await, Err(SendFailure::Certificate));
}
