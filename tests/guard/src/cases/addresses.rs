//! Keys that may be used from some addresses only.

use std::sync::Arc;

use keymint_domain::address::{AddressRules, Network, Networks};
use keymint_guard::KeyCheck;
use keymint_service::Keys;
use keymint_store_memory::MemoryStore;

use crate::frameworks::Framework;
use crate::support::{QUOTA, app, get, left, mint, service, verifiers};

/// A key for these networks.
async fn for_networks(keys: &Keys, networks: &[&str]) -> (keymint_domain::KeyId, keymint_domain::key::PlainKey) {
    let networks = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
    let addresses = AddressRules { allowed: Networks::new(networks).unwrap(), ..AddressRules::default() };
    mint(keys, |new| new.addresses = addresses).await
}

pub async fn a_guard_judges_the_peer_or_whom_its_proxies_name<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (_, here) = for_networks(&keys, &["127.0.0.0/8"]).await;
    let (id, there) = for_networks(&keys, &["203.0.113.0/24", "127.0.0.0/8"]).await;
    let (_, elsewhere) = for_networks(&keys, &["203.0.113.0/24"]).await;
    for verifier in verifiers(&keys) {
        let before = left(&keys, &id).await;
        let direct = app::<F>(KeyCheck::by(Arc::clone(&verifier)));
        let proxies = ["127.0.0.0/8".parse().unwrap()];
        let behind = app::<F>(KeyCheck::by(verifier).trusted_proxies(proxies));
        for (address, key, forwarded, status) in [
            (direct, &here, None, 200),
            (direct, &elsewhere, None, 403),
            (direct, &elsewhere, Some("203.0.113.7"), 403),
            (behind, &there, Some("203.0.113.7"), 200),
            (behind, &there, Some("203.0.113.7, 198.51.100.1"), 403),
            (behind, &there, Some("unknown"), 403),
            // A proxy's own address proves nothing.
            (behind, &there, None, 403),
        ] {
            let mut headers = vec![("x-api-key", key.expose())];
            headers.extend(forwarded.map(|line| ("x-forwarded-for", line)));
            for path in ["/bare", "/open"] {
                let answer = get(address, path, &headers).await;
                assert_eq!(answer.status().as_u16(), status, "{path} {forwarded:?}");
            }
        }
        assert_eq!(left(&keys, &id).await, before - 2, "a refusal costs nothing");
    }
    assert_eq!(left(&keys, &id).await, QUOTA - 4);
}
