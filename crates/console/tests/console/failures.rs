//! Pages that tell of failures.

use std::sync::Arc;

use keymint_actix::ApiOptions;
use keymint_ports::{MockKeyStore, StoreError};
use reqwest::StatusCode;

use crate::support::{Setup, Site};

#[tokio::test]
async fn unknown_addresses_and_methods_have_a_page() {
    let site = Site::new();
    for path in ["/console/nothing", "/console/keys/a/b/c", "/console/assets/x.css"] {
        let shown = site.get(path).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
    }
    let shown = site.get("/console/nothing").await;
    shown.has(&["There is no such page", "Go to your keys", "<code>"]);
    let id = shown.header("x-request-id").to_owned();
    shown.has(&[&format!("<code>{id}</code>")]);
    assert_eq!(site.post("/console/keys", &[]).await.status, StatusCode::NOT_FOUND);
    site.sign_up("ada").await;
    assert_eq!(site.get("/console/sign-out").await.location(), "/console", "a link signs nobody out");
    assert_eq!(site.get("/console/keys").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_database_that_is_down_has_a_page() {
    let mut store = MockKeyStore::new();
    store.expect_list().returning(|_| Err(StoreError::unavailable("down")));
    store.expect_find().returning(|_| Err(StoreError::unavailable("down")));
    store.expect_find_deleted().returning(|_| Ok(None));
    store.expect_insert().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let site = Site::signed_in(Setup { keys: Some(Arc::new(store)), ..Setup::default() }).await;
    for path in ["/console/keys", "/console/keys/x", "/console/keys/x/revoke"] {
        let shown = site.get(path).await;
        assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(shown.header("retry-after"), "1");
        assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
        shown.has(&["Keymint cannot answer now", "ada@example.com"]);
        shown.lacks(&["down"]);
    }
    let form = site.get("/console/keys/new").await.hidden("form");
    let shown = site.post("/console/keys/new", &[("form", &*form), ("config", "default")]).await;
    assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE);
    shown.has(&["look at the current state before you send it again"]);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_no_forms_have_a_page() {
    let options = ApiOptions { body_limit: 1000, ..Setup::default().options };
    let site = Site::signed_in(Setup { options, ..Setup::default() }).await;
    let name = "x".repeat(2000);
    let shown = site.post("/console/keys/new", &[("name", &*name)]).await;
    assert_eq!(shown.status, StatusCode::PAYLOAD_TOO_LARGE);
    shown.has(&["The form is too large"]);
    let request = site.client().post(format!("http://{}/console/keys/new", site.address));
    let request = request.header("origin", crate::support::ORIGIN_OF_PAGES).header("content-type", "application/json");
    let shown = site.send(request.body("{}")).await;
    assert_eq!(shown.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    shown.has(&["That cannot be understood"]);
    let shown = site.get("/console/keys?q=%zz").await;
    assert!(shown.status.is_success() || shown.status == StatusCode::BAD_REQUEST, "{}", shown.status);
}

#[tokio::test]
async fn the_api_is_where_it_was() {
    let site = Site::new();
    let shown = site.get("/healthz").await;
    assert_eq!(shown.status, StatusCode::OK);
    let shown = site.get("/api/auth/get-session").await;
    assert_eq!((shown.status, &*shown.html), (StatusCode::OK, "null"));
    assert_eq!(shown.header("content-security-policy"), "");
    let shown = site.get("/nothing").await;
    assert_eq!((shown.status, shown.header("content-type")), (StatusCode::NOT_FOUND, "application/json"));
}
