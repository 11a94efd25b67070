//! Support of the cases: keys, a Keymint elsewhere, and a client.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use keymint_actix::tls::Tls;
use keymint_actix::{Api, ApiOptions, Running, ServeOptions, serve};
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::{ConfigId, Configuration, KeyId, OwnerId, Permissions, Policy, Timestamp};
use keymint_guard::{KeyCheck, LimitFields, Remote, RemoteOptions, Verifier};
use keymint_ports::{FakeClock, KeyStore};
use keymint_service::{Caller, CreateKey, Keys, ServerKeys};
use keymint_store_memory::MemoryStore;
use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::frameworks::Framework;

/// The server key of every remote Keymint.
pub const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// Calls that a new key of these tests has.
pub const QUOTA: u64 = 20;

/// Listens on a free port.
pub fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves the routes of a framework, and returns their address.
pub fn app<F: Framework>(check: KeyCheck) -> SocketAddr {
    let (listener, address) = listener();
    F::serve(listener, check);
    address
}

/// A service of keys with metadata, in the configurations `default` and `other`.
pub fn policy() -> Policy {
    let configuration = Configuration { enable_metadata: true, ..Configuration::default() };
    Policy::new(vec![configuration, Configuration::new(ConfigId::parse("other").unwrap())]).unwrap()
}

/// A service over `store`, with a clock of its own.
pub fn service(store: impl KeyStore) -> Arc<Keys> {
    let clock = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
    service_with(store, clock, policy())
}

/// The same with this clock and this policy.
pub fn service_with(store: impl KeyStore, clock: Arc<FakeClock>, policy: Policy) -> Arc<Keys> {
    Arc::new(Keys::builder(Arc::new(store)).clock(clock).policy(policy).build())
}

/// The verifiers of these keys: the service itself, and a remote Keymint.
pub fn verifiers(keys: &Arc<Keys>) -> [Arc<dyn Verifier>; 2] {
    [Arc::clone(keys) as _, Arc::new(remote(&keymint(Arc::clone(keys))))]
}

/// The same as checks that are called `embedded` and `remote`.
pub fn checks(keys: &Arc<Keys>) -> [(&'static str, KeyCheck); 2] {
    let [embedded, remote] = verifiers(keys).map(KeyCheck::by);
    [("embedded", embedded), ("remote", remote)]
}

/// A client of the Keymint at this base URL. It waits for as long as a busy machine needs.
pub fn remote(base_url: &str) -> Remote {
    let options = RemoteOptions { deadline: Duration::from_mins(1), ..RemoteOptions::default() };
    Remote::new(base_url, SERVER_KEY, options).unwrap()
}

/// Serves `keys` as a remote Keymint, and returns its base URL.
pub fn keymint(keys: Arc<Keys>) -> String {
    keymint_on(listener().0, keys)
}

/// The same on this listener.
pub fn keymint_on(listener: TcpListener, keys: Arc<Keys>) -> String {
    format!("http://{}/api/auth", keymint_with(listener, keys, ApiOptions::default(), None))
}

/// The same in another dialect of the fields of limits.
pub fn keymint_in(fields: LimitFields, keys: Arc<Keys>) -> String {
    let options = ApiOptions { limit_fields: fields, ..ApiOptions::default() };
    format!("http://{}/api/auth", keymint_with(listener().0, keys, options, None))
}

/// The same over TLS.
pub fn keymint_over_tls(keys: Arc<Keys>, tls: Tls) -> String {
    format!("https://{}/api/auth", keymint_with(listener().0, keys, ApiOptions::default(), Some(tls)))
}

fn keymint_with(listener: TcpListener, keys: Arc<Keys>, options: ApiOptions, tls: Option<Tls>) -> SocketAddr {
    let given = [ServerKeyText::parse(SERVER_KEY).unwrap()];
    let server_keys = ServerKeys::new(Arc::new(MemoryStore::default())).with_given(&given);
    let api = Api::new(keys, Arc::new(server_keys)).with_options(options);
    let options = ServeOptions { workers: Some(1), tls, ..ServeOptions::default() };
    let Running { server, address, .. } = serve(listener, api, &options).unwrap();
    tokio::spawn(server);
    address
}

/// A key of Ada's that may read reports, as `edit` makes it.
pub async fn mint(keys: &Keys, edit: impl FnOnce(&mut NewKey)) -> (KeyId, PlainKey) {
    mint_in(keys, None, edit).await
}

/// The same in a configuration.
pub async fn mint_in(keys: &Keys, config_id: Option<&str>, edit: impl FnOnce(&mut NewKey)) -> (KeyId, PlainKey) {
    let permissions = Some(Permissions::of(&[("reports", &["read"])]));
    let mut new = NewKey { permissions, remaining: Field::Given(QUOTA), ..NewKey::default() };
    edit(&mut new);
    let config_id = config_id.map(|id| ConfigId::parse(id).unwrap());
    let request = CreateKey { config_id, ..CreateKey::of(OwnerId::parse("ada").unwrap(), new) };
    let minted = keys.create(&Caller::Server, request).await.unwrap();
    (minted.key.details.id.clone(), minted.plain)
}

/// Calls that the key has left.
pub async fn left(keys: &Keys, id: &KeyId) -> u64 {
    keys.get(&Caller::Server, id, None).await.unwrap().usage.remaining.unwrap()
}

/// Asks with these headers.
pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    ask(Method::GET, address, path, headers).await
}

/// The same by any method.
pub async fn ask(method: Method, address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = Client::new().request(method, format!("http://{address}{path}"));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

/// The status of an answer to a key.
pub async fn status(address: SocketAddr, path: &str, key: &PlainKey) -> u16 {
    get(address, path, &[("x-api-key", key.expose())]).await.status().as_u16()
}

/// The lines of a header, between bars.
pub fn header(response: &Response, name: &str) -> String {
    let lines = response.headers().get_all(name).iter().map(|line| line.to_str().unwrap());
    lines.collect::<Vec<_>>().join(" | ")
}

/// The status and the JSON of an answer.
pub async fn json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(header(&response, "content-type").starts_with("application/json"), status >= 400);
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text}")))
}

/// The status, the code and the `Retry-After` of a refusal, whose body must be as Keymint's own.
pub async fn refusal(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let response = get(address, path, headers).await;
    let retry = header(&response, "retry-after");
    let (status, body) = json(response).await;
    assert!(body["message"].is_string(), "{body}");
    (status, body["code"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned(), retry)
}
