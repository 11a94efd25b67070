//! The layer around a service that is no framework's.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use keymint_service::domain::OwnerId;
use keymint_service::domain::address::{AddressRules, Network, Networks};
use keymint_service::domain::key::{NewKey, PlainKey};
use keymint_service::{Caller, CreateKey, Keys};
use keymint_store_memory::MemoryStore;
use keymint_tower::{Admission, DeniedRequest, KeyCheck, NotAdmitted, Peer, RequireKey, Requirement};
use tower_layer::Layer as _;
use tower_service::Service;

/// Answers with the owner of the key, and with the body that it was given.
#[derive(Clone)]
struct Greeting;

impl Service<Request<&'static str>> for Greeting {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<&'static str>) -> Self::Future {
        let owner =
            request.extensions().get::<Admission>().and_then(Admission::verified).map(|key| key.owner.to_string());
        std::future::ready(Ok(Response::new(format!("{} says {}", owner.unwrap_or_default(), request.body()))))
    }
}

async fn ask(check: &KeyCheck, key: Option<&PlainKey>, peer: Option<&str>) -> Response<String> {
    let mut request = Request::new("hello");
    if let Some(key) = key {
        request.headers_mut().insert("x-api-key", key.expose().parse().unwrap());
    }
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer.parse::<IpAddr>().unwrap()));
    }
    RequireKey::new(check, Requirement::any()).layer(Greeting).call(request).await.unwrap()
}

async fn mint(keys: &Keys, new: NewKey) -> PlainKey {
    keys.create(&Caller::Server, CreateKey::of(OwnerId::parse("ada").unwrap(), new)).await.unwrap().plain
}

#[tokio::test]
async fn any_service_is_guarded_and_finds_the_key_among_the_extensions() {
    let keys = Arc::new(Keys::builder(Arc::new(MemoryStore::default())).build());
    let key = mint(&keys, NewKey::default()).await;
    let check = KeyCheck::embedded(keys);
    let passed = ask(&check, Some(&key), None).await;
    assert_eq!((passed.status().as_u16(), passed.body().as_str()), (200, "ada says hello"));
    assert_eq!(passed.headers()["ratelimit-policy"], r#""rate";q=10;w=86400"#);
    let refused = ask(&check, None, None).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["content-type"]),
        (401, &"application/json".parse().unwrap())
    );
    let denied = refused.extensions().get::<DeniedRequest>().unwrap();
    assert!(matches!(denied.reason, NotAdmitted::MissingKey), "{denied:?}");
}

#[tokio::test]
async fn the_peer_is_known_by_its_extension_alone() {
    let keys = Arc::new(Keys::builder(Arc::new(MemoryStore::default())).build());
    let network = Network::parse("203.0.113.0/24").unwrap();
    let addresses = AddressRules { allowed: Networks::new(vec![network]).unwrap(), ..AddressRules::default() };
    let key = mint(&keys, NewKey { addresses, ..NewKey::default() }).await;
    let check = KeyCheck::embedded(keys);
    for (peer, status) in [(Some("203.0.113.7"), 200), (Some("198.51.100.1"), 403), (None, 403)] {
        assert_eq!(ask(&check, Some(&key), peer).await.status().as_u16(), status, "{peer:?}");
    }
}
