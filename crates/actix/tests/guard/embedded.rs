use std::net::SocketAddr;
use std::sync::Arc;

use keymint_domain::key::{Field, PlainKey};
use keymint_domain::value::Lifetime;
use keymint_ports::{FakeClock, MockKeyStore, StoreError};
use keymint_service::Keys;
use keymint_store_memory::MemoryStore;
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

use crate::embedded_example::serve;
use crate::support::{get, left, listener, mint, refusal, run, service, text};

/// The example's application over `keys`.
fn example(keys: &Arc<Keys>) -> SocketAddr {
    let (listener, address) = listener();
    run(serve(listener, Arc::clone(keys)).unwrap());
    address
}

#[actix_web::test]
async fn a_valid_key_passes_and_pays_what_the_route_costs() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::connect(&SqliteOptions::new(folder.path().join("keys.db"))).await.unwrap();
    let keys = service(store);
    let (id, key) = mint(&keys, |_| ()).await;
    let address = example(&keys);

    assert_eq!(text(address, "/hello", &key).await, (200, "Hello, ada!".to_owned()));
    assert_eq!(left(&keys, &id).await, 6, "the extractor alone takes 1");
    assert_eq!(text(address, "/report", &key).await, (200, format!("A report for ada, by key {id}.")));
    assert_eq!(left(&keys, &id).await, 1, "guard and extractor together take the route's 5");

    let bearer = format!("bearer {}", key.expose());
    assert_eq!(get(address, "/hello", &[("authorization", &bearer)]).await.status(), 200);
    let found = refusal(address, "/hello", &[("x-api-key", key.expose())]).await;
    assert_eq!(found, (429, "USAGE_EXCEEDED".to_owned(), None));
}

#[actix_web::test]
async fn whoever_shows_no_valid_key_is_refused_as_by_keymint_itself() {
    let clock = Arc::new(FakeClock::at(keymint_domain::Timestamp::from_millis(1_700_000_000_000)));
    let keys = Arc::new(Keys::builder(Arc::new(MemoryStore::default())).clock(Arc::clone(&clock) as _).build());
    let address = example(&keys);
    let (_, expired) = mint(&keys, |new| new.expires_in = Lifetime::from_seconds(86_400.0).ok()).await;
    clock.advance(86_400_001);
    let (id, bare) = mint(&keys, |new| new.permissions = None).await;
    let (_, other) = mint(&keys, |_| ()).await;
    let refused = |status, code: &str| (status, code.to_owned(), None);

    assert_eq!(refusal(address, "/report", &[]).await, refused(401, "UNAUTHORIZED"));
    assert_eq!(refusal(address, "/report", &[("x-api-key", "forged")]).await, refused(401, "INVALID_API_KEY"));
    let expired = [("x-api-key", expired.expose())];
    assert_eq!(refusal(address, "/hello", &expired).await, refused(401, "KEY_EXPIRED"));
    let unpermitted = refusal(address, "/report", &[("x-api-key", bare.expose())]).await;
    assert_eq!(unpermitted, refused(403, "INSUFFICIENT_PERMISSIONS"));
    let bearer = format!("Bearer {}", other.expose());
    let two = [("x-api-key", bare.expose()), ("authorization", bearer.as_str())];
    assert_eq!(refusal(address, "/hello", &two).await, refused(401, "INVALID_API_KEY"));
    assert_eq!(left(&keys, &id).await, crate::support::QUOTA, "a refusal costs nothing");
}

#[actix_web::test]
async fn a_limited_key_is_told_when_to_come_again() {
    let clock = Arc::new(FakeClock::at(keymint_domain::Timestamp::from_millis(1_700_000_000_000)));
    let keys = Arc::new(Keys::builder(Arc::new(MemoryStore::default())).clock(clock).build());
    let limit = |new: &mut keymint_domain::key::NewKey| {
        (new.rate_limit_max, new.rate_limit_window_ms) = (Some(1), Some(2_500));
        new.remaining = Field::Absent;
    };
    let (_, key) = mint(&keys, limit).await;
    let address = example(&keys);
    assert_eq!(text(address, "/hello", &key).await.0, 200);
    let found = refusal(address, "/hello", &[("x-api-key", key.expose())]).await;
    assert_eq!(found, (429, "RATE_LIMITED".to_owned(), Some(3)));
}

#[actix_web::test]
async fn a_store_that_is_down_is_503_and_one_that_is_broken_500() {
    for (error, expected) in [
        (StoreError::unavailable("down"), (503, "SERVICE_UNAVAILABLE".to_owned(), Some(1))),
        (StoreError::Duplicate, (500, "INTERNAL_SERVER_ERROR".to_owned(), None)),
    ] {
        let mut store = MockKeyStore::new();
        store.expect_spend().return_once(|_, _, _| Err(error));
        let address = example(&service(store));
        let key = PlainKey::new("any");
        assert_eq!(refusal(address, "/report", &[("x-api-key", key.expose())]).await, expected);
    }
}
