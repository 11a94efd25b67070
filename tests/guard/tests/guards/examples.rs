//! The examples of guarded routes, as `docs/embedding.md` prints them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use keymint_guard::Remote;
use keymint_guard_suite::support::{QUOTA, get, keymint, left, listener, mint, refusal, remote};
use keymint_service::Keys;
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

use crate::{actix_embedded, actix_remote, axum_embedded, axum_remote};

fn axum(app: Router) -> SocketAddr {
    let (listener, address) = listener();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// Serves the example of each framework.
fn embedded(keys: &Arc<Keys>) -> [SocketAddr; 2] {
    let (listener, address) = listener();
    tokio::spawn(actix_embedded::serve(listener, Arc::clone(keys)).unwrap());
    [address, axum(axum_embedded::app(Arc::clone(keys)))]
}

/// The same by a remote Keymint, once for each client of it.
pub(crate) fn by_remote(client: impl Fn() -> Remote) -> [SocketAddr; 2] {
    let (listener, address) = listener();
    tokio::spawn(actix_remote::serve(listener, client()).unwrap());
    [address, axum(axum_remote::app(client()))]
}

async fn assert_guarded(address: SocketAddr, keys: &Keys) {
    let (id, key) = mint(keys, |_| ()).await;
    let (_, bare) = mint(keys, |new| new.permissions = None).await;
    let text = async |path| {
        let answer = get(address, path, &[("x-api-key", key.expose())]).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(text("/hello").await, (200, "Hello, ada!".to_owned()));
    assert_eq!(text("/report").await, (200, format!("A report for ada, by key {id}.")));
    assert_eq!(left(keys, &id).await, QUOTA - 6, "1 and 5 are paid");
    for (path, shown, status, code) in [
        ("/report", Some(bare.expose()), 403, "INSUFFICIENT_PERMISSIONS"),
        ("/report", Some("forged"), 401, "INVALID_API_KEY"),
        ("/hello", None, 401, "MISSING_API_KEY"),
    ] {
        let headers: Vec<_> = shown.iter().map(|key| ("x-api-key", *key)).collect();
        let (found, said, _) = refusal(address, path, &headers).await;
        assert_eq!((found, said.as_str()), (status, code));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_with_a_keymint_in_its_process_is_guarded() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::connect(&SqliteOptions::new(folder.path().join("keys.db"))).await.unwrap();
    let keys = Arc::new(Keys::builder(Arc::new(store)).build());
    for address in embedded(&keys) {
        assert_guarded(address, &keys).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_with_a_keymint_elsewhere_is_guarded() {
    let keys = keymint_guard_suite::support::service(keymint_store_memory::MemoryStore::default());
    let base_url = keymint(Arc::clone(&keys));
    for address in by_remote(|| remote(&base_url)) {
        assert_guarded(address, &keys).await;
    }
}
