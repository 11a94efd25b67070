//! The client against real sockets, in a process without a `CryptoProvider`.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, StatusCode};
use keymint_http_client::{Bytes, CallError, HttpClient, Resolve, Trust, TrustError};
use rustls::crypto::CryptoProvider;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const SECOND: Duration = Duration::from_secs(1);

/// Answers every request on every connection with `answer`; an empty one is never sent.
async fn serve(mut peer: impl AsyncRead + AsyncWrite + Unpin, answer: &str) {
    let mut head = Vec::new();
    while peer.read_buf(&mut head).await.unwrap_or(0) > 0 {
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            drop(peer.write_all(answer.as_bytes()).await);
            if answer.contains("connection: close") {
                return;
            }
        }
    }
}

async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            tokio::spawn(serve(peer, answer));
        }
    });
    address
}

fn get(url: impl std::fmt::Display) -> Request<Bytes> {
    Request::get(url.to_string()).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn https_needs_no_provider_of_the_process_and_installs_none() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![issued.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            let Ok(peer) = acceptor.accept(peer).await else { continue };
            tokio::spawn(serve(peer, OK));
        }
    });

    let trust = Trust::from_pem(issued.cert.pem().as_bytes()).unwrap();
    let trusting = HttpClient::builder(SECOND * 10).trusting(trust).https_only().build().unwrap();
    let answer = trusting.exchange(get(format_args!("https://localhost:{port}/")), 100).await.unwrap();
    assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::OK, &b"hello"[..]));
    let other = trusting.exchange(get(format_args!("https://127.0.0.1:{port}/")), 100).await.unwrap_err();
    assert!(other.is_of_tls() && other.is_no_connection(), "{other:?}");
    let plain = trusting.exchange(get(format_args!("http://localhost:{port}/")), 100).await.unwrap_err();
    assert!(!plain.is_of_tls(), "{plain:?}");
    let by_the_system = HttpClient::builder(SECOND * 10).build().unwrap();
    let stranger = by_the_system.exchange(get(format_args!("https://localhost:{port}/")), 100).await.unwrap_err();
    assert!(stranger.is_of_tls(), "{stranger:?}");
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn every_way_to_fail_has_its_error() {
    let client = HttpClient::builder(SECOND * 10).build().unwrap();
    let url = |address: SocketAddr| format!("http://user:hush@{address}/secret?key=secret");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client.exchange(get(url(closed)), 100).await.unwrap_err();
    assert!(matches!(error, CallError::NoConnection { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("no connection to http://{closed}"));

    let long = client.exchange(get(url(server(OK).await)), 4).await.unwrap_err();
    assert!(matches!(long, CallError::TooLong { most: 4, .. }), "{long:?}");
    assert_eq!(client.exchange(get(url(server(OK).await)), 5).await.unwrap().body(), "hello");

    for answer in
        ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhello", "SSH-2.0\r\nconnection: close\r\n"]
    {
        let broken = client.exchange(get(url(server(answer).await)), 100).await.unwrap_err();
        assert!(matches!(broken, CallError::Broken { .. }), "{broken:?}");
    }

    let hasty = HttpClient::builder(Duration::from_millis(50)).build().unwrap();
    let unfinished = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    for answer in ["", unfinished] {
        let late = hasty.exchange(get(url(server(answer).await)), 100).await.unwrap_err();
        assert!(matches!(late, CallError::TimedOut { .. }) && !late.to_string().contains("hush"), "{late:?}");
    }
    let head = hasty.send(get(url(server(unfinished).await))).await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let late = head.body(100, Duration::from_millis(10)).await.unwrap_err();
    assert!(matches!(late, CallError::TimedOut { .. }), "{late:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let moved = server("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n").await;
    let client = HttpClient::builder(SECOND * 10).build().unwrap();
    let answer = client.exchange(get(format_args!("http://{moved}/")), 100).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
}

/// Answers 127.0.0.1 for one host, and its own error for the others.
struct OneHost;

#[async_trait]
impl Resolve for OneHost {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        if host == "known.example" { Ok(vec!["127.0.0.1".parse()?]) } else { Err(Box::new(TrustError::Pem)) }
    }
}

#[tokio::test]
async fn a_look_up_of_ones_own_decides() {
    let port = server(OK).await.port();
    let client = HttpClient::builder(SECOND * 10).resolving_by(Arc::new(OneHost)).build().unwrap();
    assert!(client.exchange(get(format_args!("http://known.example:{port}/")), 100).await.is_ok());
    let refused = client.exchange(get(format_args!("http://other.example:{port}/")), 100).await.unwrap_err();
    assert!(matches!(refused.find::<TrustError>(), Some(TrustError::Pem)), "{refused:?}");
    assert!(refused.find::<io::Error>().is_none(), "{refused:?}");
}

#[test]
fn roots_are_certificates() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(Trust::from_pem(pem.as_bytes()), Err(TrustError::Pem)), "{pem}");
    }
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(Trust::from_pem(empty.as_bytes()), Err(TrustError::Tls(_))));
}
