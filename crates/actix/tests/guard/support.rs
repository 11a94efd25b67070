use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use keymint_actix::tls::Tls;
use keymint_actix::{Api, Running, ServeOptions, serve};
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::{KeyId, OwnerId, Permissions};
use keymint_ports::KeyStore;
use keymint_service::{Caller, CreateKey, Keys, ServerKeys};
use keymint_store_memory::MemoryStore;
use reqwest::{Client, Response};
use serde_json::{Value, json};

pub(crate) const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// Calls that a new key of these tests has.
pub(crate) const QUOTA: u64 = 7;

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Runs `server` until the test ends.
pub(crate) fn run(server: impl Future<Output = std::io::Result<()>> + Send + 'static) {
    tokio::spawn(server);
}

pub(crate) fn service(store: impl KeyStore) -> Arc<Keys> {
    Arc::new(Keys::builder(Arc::new(store)).build())
}

/// Serves `keys` as a remote Keymint, and says at which base URL.
pub(crate) fn keymint(keys: Arc<Keys>) -> String {
    keymint_on(listener().0, keys)
}

pub(crate) fn keymint_on(listener: TcpListener, keys: Arc<Keys>) -> String {
    format!("http://{}/api/auth", keymint_with(listener, keys, None))
}

/// The same over TLS.
pub(crate) fn keymint_over_tls(listener: TcpListener, keys: Arc<Keys>, tls: Tls) -> String {
    format!("https://{}/api/auth", keymint_with(listener, keys, Some(tls)))
}

fn keymint_with(listener: TcpListener, keys: Arc<Keys>, tls: Option<Tls>) -> SocketAddr {
    let given = [ServerKeyText::parse(SERVER_KEY).unwrap()];
    let store = Arc::new(MemoryStore::default());
    let server_keys = ServerKeys::new(store).with_given(&given);
    let api = Api::new(keys, Arc::new(server_keys));
    let options = ServeOptions { workers: Some(1), tls, ..ServeOptions::default() };
    let Running { server, address, .. } = serve(listener, api, &options).unwrap();
    run(server);
    address
}

/// A key of Ada's that may read reports, as `edit` makes it.
pub(crate) async fn mint(keys: &Keys, edit: impl FnOnce(&mut NewKey)) -> (KeyId, PlainKey) {
    let permissions = Some(Permissions::of(&[("reports", &["read"])]));
    let mut new = NewKey { permissions, remaining: Field::Given(QUOTA), ..NewKey::default() };
    edit(&mut new);
    let request = CreateKey::of(OwnerId::parse("ada").unwrap(), new);
    let minted = keys.create(&Caller::Server, request).await.unwrap();
    (minted.key.details.id.clone(), minted.plain)
}

/// Calls that the key has left.
pub(crate) async fn left(keys: &Keys, id: &KeyId) -> u64 {
    keys.get(&Caller::Server, id, None).await.unwrap().usage.remaining.unwrap()
}

pub(crate) async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = Client::new().get(format!("http://{address}{path}"));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

/// The status and the text of an answer that is no refusal.
pub(crate) async fn text(address: SocketAddr, path: &str, key: &PlainKey) -> (u16, String) {
    let response = get(address, path, &[("x-api-key", key.expose())]).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The status, the code and the `Retry-After` of a refusal, whose body must be as Keymint's own.
pub(crate) async fn refusal(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String, Option<u64>) {
    let response = get(address, path, headers).await;
    let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body["message"].is_string(), "{body}");
    assert_ne!(body["code"], json!(null), "{body}");
    (status, body["code"].as_str().unwrap().to_owned(), retry)
}
