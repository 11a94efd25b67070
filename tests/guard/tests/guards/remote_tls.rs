use std::sync::Arc;

use keymint_actix::tls::{Certificate, Tls};
use keymint_guard::{InvalidRemote, Remote, RemoteOptions, Verifier as _};
use keymint_guard_suite::support::{QUOTA, SERVER_KEY, keymint_over_tls, left, mint, service};
use keymint_service::VerifyKey;
use keymint_store_memory::MemoryStore;
use rcgen::generate_simple_self_signed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_keymint_is_asked_over_https_by_those_who_trust_it() {
    let issued = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let roots = issued.cert.pem();
    let certificate = Certificate::from_pem(roots.as_bytes(), issued.signing_key.serialize_pem().as_bytes()).unwrap();
    let keys = service(MemoryStore::default());
    let (id, key) = mint(&keys, |_| ()).await;
    let base_url = keymint_over_tls(Arc::clone(&keys), Tls::new(certificate));

    let options = RemoteOptions { retries: 0, ..RemoteOptions::default() };
    let remote = Remote::trusting(roots.as_bytes(), &base_url, SERVER_KEY, options).unwrap();
    assert_eq!(remote.verify(VerifyKey::of(key.clone())).await.unwrap().unwrap().id, id);
    assert_eq!(left(&keys, &id).await, QUOTA - 1);

    let stranger = Remote::new(&base_url, SERVER_KEY, options).unwrap();
    assert!(stranger.verify(VerifyKey::of(key.clone())).await.is_err(), "the system knows no such authority");
    let plain = Remote::new(&base_url.replace("https", "http"), SERVER_KEY, options).unwrap();
    assert!(plain.verify(VerifyKey::of(key)).await.is_err());
    assert_eq!(left(&keys, &id).await, QUOTA - 1);
}

#[test]
fn roots_are_certificates() {
    for roots in ["", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let made = Remote::trusting(roots.as_bytes(), "https://k", SERVER_KEY, RemoteOptions::default());
        assert!(matches!(made, Err(InvalidRemote::Roots)), "{roots}");
    }
}
