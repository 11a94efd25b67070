//! Handlers are told that a request presents the former secret of a rotation.

use std::sync::Arc;

use actix_web::test::{TestRequest, call_and_read_body, init_service};
use actix_web::{App, web};
use keymint_actix::guard::{KeyCheck, Remote, RemoteOptions, VerifiedKey, Verifier};
use keymint_domain::Timestamp;
use keymint_domain::key::PlainKey;
use keymint_domain::policy::{Cut, RotateSecret};
use keymint_ports::FakeClock;
use keymint_service::{Caller, Keys, RotateKey};
use keymint_store_memory::MemoryStore;

use crate::support::{SERVER_KEY, keymint, mint};

async fn handler(key: VerifiedKey) -> String {
    key.former_secret_ends_at.map_or("in use".to_owned(), |at| at.to_string())
}

/// Asks by each of these keys, and returns the answers of the handler.
async fn told(check: KeyCheck, keys: &[&PlainKey]) -> Vec<String> {
    let app = init_service(App::new().app_data(check).route("/", web::get().to(handler))).await;
    let mut told = Vec::new();
    for key in keys {
        let request = TestRequest::get().uri("/").insert_header(("x-api-key", key.expose())).to_request();
        told.push(String::from_utf8(call_and_read_body(&app, request).await.to_vec()).unwrap());
    }
    told
}

#[actix_web::test]
async fn a_handler_is_told_of_a_former_secret_here_and_elsewhere() {
    let clock = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let keys = Keys::builder(Arc::new(MemoryStore::default())).clock(Arc::clone(&clock) as _).build();
    let keys = Arc::new(keys);
    let remote = Remote::new(&keymint(Arc::clone(&keys)), SERVER_KEY, RemoteOptions::default()).unwrap();
    let verifiers: [Arc<dyn Verifier>; 2] = [Arc::clone(&keys) as _, Arc::new(remote)];
    for verifier in verifiers {
        let (id, former) = mint(&keys, |_| {}).await;
        let rotation = RotateSecret { grace_seconds: Some(3600), cut: Cut::AfterUse, end_former: false };
        let rotated = keys.rotate(&Caller::Server, RotateKey { id, config_id: None, rotation }).await.unwrap();
        let check = KeyCheck::by(verifier);
        let told = told(check, &[&former, &rotated.plain, &former, &rotated.plain]).await;
        assert_eq!(told, ["in use", "in use", "2023-11-14T23:13:20.000Z", "in use"]);
    }
}
