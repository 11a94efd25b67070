//! TLS: which versions are spoken, what is shown, and that a certificate is exchanged without breaking a connection.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use keymint_actix::tls::{Certificate, InvalidCertificate, Tls};
use keymint_actix::{Api, Running, ServeOptions, Stopper, serve};
use keymint_domain::server_key::ServerKeyText;
use keymint_service::{Keys, ServerKeys};
use keymint_store_memory::MemoryStore;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use reqwest::tls::{TlsInfo, Version as TlsVersion};
use reqwest::{Client, ClientBuilder, StatusCode, Version};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::SERVER_KEY;

/// A certificate that nobody else has issued, for this machine.
fn issue() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

fn read(issued: &CertifiedKey<KeyPair>) -> Certificate {
    Certificate::from_pem(issued.cert.pem().as_bytes(), issued.signing_key.serialize_pem().as_bytes()).unwrap()
}

struct TlsServer {
    address: SocketAddr,
    tls: Tls,
    stopper: Stopper,
    stopped: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl TlsServer {
    fn showing(issued: &CertifiedKey<KeyPair>) -> Self {
        let store = Arc::new(MemoryStore::default());
        let keys = Keys::builder(Arc::clone(&store) as _).build();
        let given = [ServerKeyText::parse(SERVER_KEY).unwrap()];
        let server_keys = ServerKeys::new(store).with_given(&given);
        let api = Api::new(Arc::new(keys), Arc::new(server_keys));
        let tls = Tls::new(read(issued));
        let options = ServeOptions {
            workers: Some(1),
            // The server's clock may be half a second behind, and clients on a busy machine are late.
            head_timeout: Duration::from_secs(3),
            // Longer than any test, so that a stop that waits for it is seen.
            shutdown_timeout: Duration::from_hours(1),
            tls: Some(tls.clone()),
            ..ServeOptions::default()
        };
        let running = serve(TcpListener::bind("127.0.0.1:0").unwrap(), api, &options).unwrap();
        let Running { server, stopper, address, api: _ } = running;
        Self { address, tls, stopper, stopped: tokio::spawn(server) }
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    async fn post(&self, client: &Client, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = self.url(&format!("/api/auth/api-key/{path}"));
        let response = client.post(url).bearer_auth(SERVER_KEY).json(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// The certificate that the connection of a request was opened with.
    async fn shown_to(&self, client: &Client) -> Vec<u8> {
        let response = client.get(self.url("/healthz")).send().await.unwrap();
        response.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
    }

    async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

fn trusting<'a>(issued: impl IntoIterator<Item = &'a CertifiedKey<KeyPair>>) -> ClientBuilder {
    let roots = issued.into_iter().map(|issued| reqwest::Certificate::from_pem(issued.cert.pem().as_bytes()).unwrap());
    Client::builder().tls_certs_only(roots).tls_info(true)
}

/// Returns the bytes that the server sends until it closes the connection.
async fn rest(mut socket: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_and_1_3_are_spoken() {
    let issued = issue();
    let server = TlsServer::showing(&issued);
    for version in [TlsVersion::TLS_1_2, TlsVersion::TLS_1_3] {
        let client = trusting([&issued]).tls_version_min(version).tls_version_max(version).build().unwrap();
        assert_eq!(client.get(server.url("/healthz")).send().await.unwrap().status(), 200, "{version:?}");
    }
    let stranger = trusting([&issue()]).build().unwrap();
    assert!(stranger.get(server.url("/healthz")).send().await.unwrap_err().is_connect());
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_1_is_refused() {
    const FATAL: u8 = 2;
    const PROTOCOL_VERSION: u8 = 70;
    let server = TlsServer::showing(&issue());
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend([0, 0, 2, 0xc0, 0x09, 1, 0]);
    // The group, the format of points, and the signature for it.
    hello.extend([0, 22, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3]);
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length(&hello) + 4, 1, 0, 0, length(&hello)];
    record.extend(hello);
    let mut socket = server.socket().await;
    socket.write_all(&record).await.unwrap();
    let answer = rest(socket).await;
    assert!(matches!(answer[..], [21, 3, _, 0, 2, FATAL, PROTOCOL_VERSION]), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_1_is_spoken_also_to_clients_that_would_rather_speak_http_2() {
    let issued = issue();
    let server = TlsServer::showing(&issued);
    let client = trusting([&issued]).build().unwrap();
    assert_eq!(client.get(server.url("/healthz")).send().await.unwrap().version(), Version::HTTP_11);
    let (status, key) = server.post(&client, "create", &json!({ "userId": "ada" })).await;
    assert_eq!(status, 200, "{key}");
    let (_, verdict) = server.post(&client, "verify", &json!({ "key": key["key"] })).await;
    assert_eq!(verdict["valid"], true);
    let too_large = json!({ "key": "k".repeat(300 * 1024) });
    assert_eq!(server.post(&client, "verify", &too_large).await.0, 413);
    assert_eq!(server.post(&client, "nothing", &json!({})).await.0, 404);
    let insisting = trusting([&issued]).http2_prior_knowledge().build().unwrap();
    assert!(insisting.get(server.url("/healthz")).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let (first, second) = (issue(), issue());
    let server = TlsServer::showing(&first);
    let client = || trusting([&first, &second]).build().unwrap();
    let before = client();
    assert_eq!(server.shown_to(&before).await, first.cert.der().to_vec());
    server.tls.replace(read(&second));
    assert_eq!(server.shown_to(&before).await, first.cert.der().to_vec(), "the connection is still open");
    assert_eq!(server.shown_to(&client()).await, second.cert.der().to_vec());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_shake_hands_is_let_go() {
    let issued = issue();
    let server = TlsServer::showing(&issued);
    let mut plain = server.socket().await;
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(!rest(plain).await.starts_with(b"HTTP"));
    let silent = server.socket().await;
    let mut slow = server.socket().await;
    slow.write_all(&[22, 3, 1]).await.unwrap();
    assert!(rest(silent).await.is_empty());
    rest(slow).await;
    let client = trusting([&issued]).build().unwrap();
    assert_eq!(client.get(server.url("/healthz")).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_idle_connections() {
    let issued = issue();
    let server = TlsServer::showing(&issued);
    let client = trusting([&issued]).build().unwrap();
    assert_eq!(client.get(server.url("/healthz")).send().await.unwrap().status(), 200);
    // The client keeps its connection, and a stop may take an hour.
    tokio::time::timeout(Duration::from_mins(1), server.stopper.stop()).await.expect("nothing is under way");
    tokio::time::timeout(Duration::from_mins(1), server.stopped).await.unwrap().unwrap().unwrap();
    drop(client);
}

#[test]
fn what_is_no_certificate_is_told_so_and_nothing_of_it() {
    let (issued, other) = (issue(), issue());
    let (chain, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
    let not_base64 = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (chain, key, expected) in [
        ("", &*key, InvalidCertificate::Chain),
        (&*key, &*key, InvalidCertificate::Chain),
        (not_base64, &*key, InvalidCertificate::Chain),
        (no_certificate, &*key, InvalidCertificate::Chain),
        (&*chain, "", InvalidCertificate::Key),
        (&*chain, &*chain, InvalidCertificate::Key),
        (&*chain, no_key, InvalidCertificate::Key),
        (&*chain, &*other.signing_key.serialize_pem(), InvalidCertificate::Mismatch),
    ] {
        assert_eq!(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err(), expected);
    }
    // Both may stand in one file.
    let both = format!("{key}{chain}");
    let certificate = Certificate::from_pem(both.as_bytes(), both.as_bytes()).unwrap();
    assert_eq!(
        format!("{:?}", Tls::new(certificate)),
        "Shown(RwLock { data: Certificate { chain: 1, .. }, poisoned: false, .. })"
    );
}
