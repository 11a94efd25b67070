//! Guarded routes and keys that may be used from some addresses only.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use keymint_actix::guard::{KeyCheck, Remote, RemoteOptions, VerifiedKey, Verifier};
use keymint_domain::address::{AddressRules, Network, Networks};
use keymint_domain::key::PlainKey;
use keymint_store_memory::MemoryStore;

use crate::support::{QUOTA, SERVER_KEY, keymint, left, mint, service};

async fn handler(_: VerifiedKey) -> &'static str {
    "in"
}

/// The statuses of requests from `peer` with one line of `X-Forwarded-For` each.
async fn statuses(check: KeyCheck, key: &PlainKey, peer: &str, lines: &[Option<&str>]) -> Vec<u16> {
    let app = init_service(App::new().app_data(check).route("/", web::get().to(handler))).await;
    let mut statuses = Vec::new();
    for line in lines {
        let address: IpAddr = peer.parse().unwrap();
        let request = TestRequest::get().uri("/").peer_addr((address, 1).into());
        let request = request.insert_header(("x-api-key", key.expose()));
        let request = line.iter().fold(request, |request, line| request.append_header(("x-forwarded-for", *line)));
        statuses.push(call_service(&app, request.to_request()).await.status().as_u16());
    }
    statuses
}

#[actix_web::test]
async fn a_guard_judges_the_peer_or_whom_its_proxies_name_here_and_elsewhere() {
    let keys = service(MemoryStore::default());
    let networks = ["203.0.113.0/24", "10.0.0.0/8"].map(|text| Network::parse(text).unwrap());
    let addresses = AddressRules { allowed: Networks::new(networks.into()).unwrap(), ..AddressRules::default() };
    let (id, key) = mint(&keys, |new| new.addresses = addresses).await;
    let base_url = keymint(Arc::clone(&keys));
    let remote = Remote::new(&base_url, SERVER_KEY, RemoteOptions::default()).unwrap();
    let verifiers: [Arc<dyn Verifier>; 2] = [Arc::clone(&keys) as _, Arc::new(remote)];
    for verifier in verifiers {
        let before = left(&keys, &id).await;
        let check = || KeyCheck::by(Arc::clone(&verifier));
        let forged = [None, Some("203.0.113.7")];
        assert_eq!(statuses(check(), &key, "203.0.113.7", &forged[..1]).await, [200]);
        assert_eq!(statuses(check(), &key, "198.51.100.1", &forged).await, [403, 403]);
        let behind = check().trusted_proxies(["10.0.0.0/8".parse().unwrap()]);
        let lines = [Some("203.0.113.7"), Some("203.0.113.7, 198.51.100.1"), Some("unknown"), None];
        assert_eq!(statuses(behind, &key, "10.0.0.1", &lines).await, [200, 403, 403, 403]);
        assert_eq!(left(&keys, &id).await, before - 2, "a refusal costs nothing");
    }
    assert_eq!(left(&keys, &id).await, QUOTA - 4);
}
