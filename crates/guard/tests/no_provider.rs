//! A remote Keymint in a build where another crate switches `rustls-no-provider` on, and no provider is installed.

#![cfg(feature = "remote")]

use std::net::TcpListener;
use std::time::Duration;

use keymint_guard::{Remote, RemoteOptions, Verifier as _, VerifierError};
use keymint_service::VerifyKey;
use keymint_service::domain::key::PlainKey;

#[tokio::test]
async fn a_remote_needs_no_provider_of_the_process() {
    // The feature is on, by this very client of another crate.
    drop(reqwest::Client::builder().tls_backend_rustls());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = RemoteOptions { retries: 1, pause: Duration::from_millis(1), ..RemoteOptions::default() };
    for scheme in ["http", "https"] {
        let base_url = format!("{scheme}://{closed}/api/auth");
        let remote = Remote::new(&base_url, "a-server-key-of-thirty-two-characters", options).unwrap();
        let answer = remote.verify(VerifyKey::of(PlainKey::new("any"))).await;
        let Err(VerifierError::Unavailable(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(error.to_string(), format!("no connection to {scheme}://{closed}"));
    }
}
