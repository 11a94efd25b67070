//! The cost of a request whose key several guards and extractors verify, and their findings.

use std::sync::Arc;

use actix_web::http::header::HeaderName;
use actix_web::test::{TestRequest, call_and_read_body, call_service, init_service};
use actix_web::{App, web};
use keymint_actix::guard::{Admission, KeyCheck, RateLimitLeft, Remote, RemoteOptions, RequireKey, VerifiedKey};
use keymint_domain::key::MetadataInput;
use keymint_domain::{ConfigId, Configuration, Metadata, Permissions, Policy};
use keymint_ports::{MockKeyStore, StoreError};
use keymint_service::Keys;
use keymint_store_memory::MemoryStore;
use serde_json::json;

use crate::support::{SERVER_KEY, keymint, left, mint, service};

async fn twice(first: VerifiedKey, second: Option<VerifiedKey>, third: Admission) -> String {
    assert_eq!((Some(&first), Some(&first)), (second.as_ref(), third.verified()));
    first.id.to_string()
}

macro_rules! status {
    ($app:expr, $path:expr, $header:expr) => {
        call_service(&$app, TestRequest::get().uri($path).insert_header($header).to_request()).await.status().as_u16()
    };
}

#[actix_web::test]
async fn a_request_pays_once_however_many_look() {
    let keys = service(MemoryStore::default());
    let (id, key) = mint(&keys, |_| ()).await;
    let reports = || RequireKey::permissions(&[("reports", &["read"])]);
    let scope = web::scope("/in")
        .wrap(RequireKey::any().cost(2))
        .service(web::resource("/may").wrap(reports().cost(3)).to(twice))
        .service(web::resource("/write").wrap(RequireKey::permissions(&[("reports", &["write"])])).to(twice))
        .service(
            web::resource("/other").wrap(RequireKey::any().configuration(ConfigId::parse("other").unwrap())).to(twice),
        );
    let app = App::new().app_data(KeyCheck::embedded(Arc::clone(&keys))).route("/bare", web::get().to(twice));
    let app = init_service(app.service(scope)).await;
    let shown = ("x-api-key", key.expose());

    assert_eq!(status!(app, "/bare", shown), 200);
    assert_eq!(left(&keys, &id).await, 6, "three extractors");
    assert_eq!(status!(app, "/in/may", shown), 200);
    assert_eq!(left(&keys, &id).await, 4, "two guards and three extractors: the outermost pays");
    assert_eq!(status!(app, "/in/write", shown), 403);
    assert_eq!(status!(app, "/in/other", shown), 401);
}

#[actix_web::test]
async fn a_call_that_failed_is_not_made_again_for_the_same_request() {
    async fn handler(first: Option<VerifiedKey>, second: Option<VerifiedKey>) -> String {
        assert_eq!((first, second), (None, None));
        "none".to_owned()
    }
    let mut store = MockKeyStore::new();
    store.expect_spend().times(1).returning(|_, _, _| Err(StoreError::unavailable("it may have been paid")));
    let app = App::new().app_data(KeyCheck::embedded(service(store))).route("/", web::get().to(handler));
    let app = init_service(app).await;
    assert_eq!(status!(app, "/", ("x-api-key", "any")), 200);
}

#[actix_web::test]
async fn a_handler_of_verified_keys_stays_closed_behind_a_guard_that_fails_open() {
    async fn open(admission: Admission) -> String {
        format!("{admission:?}")
    }
    async fn closed(_: VerifiedKey) -> String {
        unreachable!("no key was verified")
    }
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let app = App::new()
        .app_data(KeyCheck::embedded(service(store)))
        .service(web::resource("/open").wrap(RequireKey::any().fail_open()).to(open))
        .service(web::resource("/closed").wrap(RequireKey::any().fail_open()).to(closed))
        .service(web::resource("/unguarded").to(open));
    let app = init_service(app).await;
    let request = TestRequest::get().uri("/open").insert_header(("x-api-key", "any")).to_request();
    assert_eq!(call_and_read_body(&app, request).await, "Unverified");
    assert_eq!(status!(app, "/closed", ("x-api-key", "any")), 503);
    assert_eq!(status!(app, "/unguarded", ("x-api-key", "any")), 503, "nobody told this one to fail open");
}

#[actix_web::test]
async fn the_extractor_tells_everything_about_the_key() {
    async fn handler(key: VerifiedKey) -> String {
        assert_eq!((key.owner.as_str(), key.config_id.as_str(), key.remaining), ("ada", "default", Some(6)));
        assert_eq!(key.rate_limit, Some(RateLimitLeft { max: 10, window_ms: 86_400_000, left: 9 }));
        assert!(key.grants(&Permissions::of(&[("reports", &["read"])])));
        assert!(!key.grants(&Permissions::of(&[("reports", &["write"])])));
        key.metadata.map(|metadata| metadata.as_json().to_owned()).unwrap_or_default()
    }
    let configuration = Configuration { enable_metadata: true, ..Configuration::default() };
    let policy = Policy::new(vec![configuration]).unwrap();
    let keys = Arc::new(Keys::builder(Arc::new(MemoryStore::default())).policy(policy).build());
    let metadata = Metadata::from_json(&json!({ "plan": "pro" })).unwrap();
    let (_, key) = mint(&keys, |new| new.metadata = MetadataInput::Given(metadata)).await;
    let app = App::new().app_data(KeyCheck::embedded(keys)).route("/", web::get().to(handler));
    let app = init_service(app).await;
    let request = TestRequest::get().uri("/").insert_header(("x-api-key", key.expose())).to_request();
    assert_eq!(call_and_read_body(&app, request).await, r#"{"plan":"pro"}"#);
}

#[actix_web::test]
async fn the_application_says_which_headers_show_keys() {
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, |_| ()).await;
    let check = KeyCheck::embedded(keys).headers([HeaderName::from_static("x-token")]).without_bearer();
    let app = init_service(App::new().app_data(check).route("/", web::get().to(twice))).await;
    assert_eq!(status!(app, "/", ("X-Token", key.expose())), 200);
    assert_eq!(status!(app, "/", ("x-api-key", key.expose())), 401);
    assert_eq!(status!(app, "/", ("authorization", format!("Bearer {}", key.expose()))), 401);
}

#[actix_web::test]
async fn an_application_without_a_check_lets_nobody_in() {
    let app = init_service(App::new().service(web::resource("/").wrap(RequireKey::any().fail_open()).to(twice))).await;
    assert_eq!(status!(app, "/", ("x-api-key", "any")), 500);
}

#[actix_web::test]
async fn a_star_passes_every_guard_unless_its_configuration_takes_it_for_a_name() {
    for (wildcards, status) in [(true, 200), (false, 403)] {
        let policy = Policy::new(vec![Configuration { wildcards, ..Configuration::default() }]).unwrap();
        let keys = Arc::new(Keys::builder(Arc::new(MemoryStore::default())).policy(policy).build());
        let (_, key) = mint(&keys, |new| new.permissions = Some(Permissions::of(&[("*", &["read"])]))).await;
        let reports = || RequireKey::permissions(&[("reports", &["read"])]);
        let inner = web::scope("/in").wrap(RequireKey::any()).service(web::resource("/").wrap(reports()).to(twice));
        let app = App::new().app_data(KeyCheck::embedded(keys)).service(inner);
        let app = init_service(app.service(web::resource("/out").wrap(reports()).to(twice))).await;
        for path in ["/out", "/in/"] {
            assert_eq!(status!(app, path, ("x-api-key", key.expose())), status, "{path}");
        }
    }
}

#[actix_web::test]
async fn a_guard_says_which_permissions_are_missing_whoever_verifies_and_whoever_asks_first() {
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, |_| ()).await;
    let write = || RequireKey::permissions(&[("reports", &["read", "write"])]);
    let remote = Remote::new(&keymint(Arc::clone(&keys)), SERVER_KEY, RemoteOptions::default()).unwrap();
    for check in [KeyCheck::embedded(keys), KeyCheck::by(Arc::new(remote))] {
        let inner = web::scope("/in").wrap(RequireKey::any()).service(web::resource("/").wrap(write()).to(twice));
        let app = App::new().app_data(check).service(inner);
        let app = init_service(app.service(web::resource("/out").wrap(write()).to(twice))).await;
        for path in ["/out", "/in/"] {
            let request = TestRequest::get().uri(path).insert_header(("x-api-key", key.expose())).to_request();
            let body: serde_json::Value = serde_json::from_slice(&call_and_read_body(&app, request).await).unwrap();
            let expected = json!({
                "code": "INSUFFICIENT_PERMISSIONS", "message": "The API key lacks a permission that is asked for.",
                "details": { "missing": { "reports": ["write"] } },
            });
            assert_eq!(body, expected, "{path}");
        }
    }
}
