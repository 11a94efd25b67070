//! Pages that tell of failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keymint_actix::ApiOptions;
use keymint_console::Brand;
use keymint_domain::event::Origin;
use keymint_domain::identity::SessionToken;
use keymint_domain::portal::PortalRight;
use keymint_domain::verify::Ban;
use keymint_ports::{IdentityStore as _, MockKeyStore, StoreError, delegate_identity_store};
use keymint_store_memory::MemoryStore;
use reqwest::StatusCode;

use crate::support::{NOW, Setup, Shown, Site};

#[tokio::test]
async fn unknown_addresses_and_methods_have_a_page() {
    let site = Site::new();
    for path in ["/console/nothing", "/console/keys/a/b/c", "/console/assets/x.css"] {
        let shown = site.get(path).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
        shown.has(&["There is no such page", "Request <code>"]);
        assert_eq!(shown.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
    let sent = site.post("/console/assets/x.css", &[]).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND);
    sent.has(&["<h1>"]);
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
        check_unavailable(path, &shown);
        shown.has(&["ada@example.com"]);
    }
    let form = site.get("/console/keys/new").await.hidden("form");
    let shown = site.post("/console/keys/new", &[("form", &*form), ("config", "default")]).await;
    check_unavailable("a new key", &shown);
}

/// Checks that a page says what happened and what to do, and nothing of the reason.
#[track_caller]
fn check_unavailable(path: &str, shown: &Shown) {
    assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    assert_eq!(shown.header("retry-after"), "1", "{path}");
    assert_eq!(shown.header("content-type"), "text/html; charset=utf-8", "{path}");
    shown.has(&[
        "Keymint cannot answer now",
        "look at the current state before you send it again",
        "may work again in a few seconds",
    ]);
    shown.lacks(&["down"]);
}

/// The users, sessions and links of a database that goes down.
#[derive(Default)]
struct Outage {
    store: Arc<MemoryStore>,
    is_down: AtomicBool,
}

delegate_identity_store! {
    impl IdentityStore for Outage {
        to |this| &*this.store;
        around |this, method, call| {
            if this.is_down.load(Ordering::Relaxed) {
                return Err(StoreError::unavailable(format!("down in {method}")));
            }
            call.await
        };
    }
}

#[tokio::test]
async fn people_and_links_that_are_down_have_a_page_everywhere() {
    let people = Arc::new(Outage::default());
    let setup = Setup { store: Arc::clone(&people.store), people: Some(Arc::clone(&people) as _), ..Setup::default() };
    let site = Site::operated(setup).await;
    let home = site.enter_portal("ada", &PortalRight::ALL).await;
    let link = site.portal_link("ada", &PortalRight::ALL).await;
    let [claim, reset] = ["claim", "reset"].map(|kind| format!("/console/{kind}/{}", "a".repeat(43)));
    let [of_guest, new_of_guest, end_of_guest] = ["/keys", "/keys/new", "/end"].map(|path| format!("{home}{path}"));
    people.is_down.store(true, Ordering::Relaxed);
    for path in [
        "/console",
        "/console/sign-in",
        "/console/account",
        "/console/keys",
        "/console/owners",
        "/console/health",
        "/console/audit",
        "/console/audit/export",
        "/console/webhooks",
        "/console/webhooks/new",
        "/console/server-keys",
        "/console/users",
        "/console/users/x",
        "/console/settings",
        &claim,
        &reset,
        &link,
        &of_guest,
        &new_of_guest,
    ] {
        check_unavailable(path, &site.get(path).await);
    }
    let account = [("name", "Ada"), ("email", "eve@example.com"), ("password", "password")];
    for path in [
        "/console/sign-in",
        "/console/sign-up",
        "/console/sign-out",
        "/console/account/name",
        "/console/account/password",
        "/console/account/sessions/end-others",
        "/console/keys/new",
        "/console/health/idle",
        "/console/webhooks/new",
        "/console/webhooks/x/test",
        "/console/server-keys",
        "/console/users/x/ban",
        "/console/users/x/reset-link",
        &claim,
        &reset,
        &link,
        &new_of_guest,
        &end_of_guest,
    ] {
        check_unavailable(path, &site.post(path, &account).await);
    }
    // It is as it was before: nothing was used up, and nobody is signed out.
    people.is_down.store(false, Ordering::Relaxed);
    assert_eq!(site.get("/console/users").await.status, StatusCode::OK);
    assert_eq!(site.get(&of_guest).await.status, StatusCode::OK);
    assert_eq!(site.post(&link, &[]).await.status, StatusCode::SEE_OTHER);
    site.forget();
    people.is_down.store(true, Ordering::Relaxed);
    for path in ["/console/sign-in", "/console/sign-up"] {
        assert_eq!(site.get(path).await.status, StatusCode::OK, "{path}: a form needs no database");
    }
    check_unavailable("sign-in", &site.post("/console/sign-in", &account).await);
}

#[tokio::test]
async fn a_page_that_failed_leads_to_the_list_that_it_belongs_to() {
    let site = Site::operated(Setup::default()).await;
    for (path, list, text) in [
        ("/console/audit?cursor=x", "/console/audit", "Go to the log"),
        ("/console/webhooks/none", "/console/webhooks", "Go to the webhooks"),
        ("/console/users/none", "/console/users", "Go to the users"),
        ("/console/users/none/ban", "/console/users", "Go to the users"),
        ("/console/owners/%00", "/console/owners", "Go to the owners"),
        ("/console/server-keys/none/revoke", "/console/server-keys", "Go to the server keys"),
        ("/console/health/none", "/console/health", "Go to the findings"),
        ("/console/account/none", "/console/account", "Go to your account"),
        ("/console/keys/none", "/console/keys", "Go to your keys"),
        ("/console/auditors", "/console/keys", "Go to your keys"),
    ] {
        let shown = site.get(path).await;
        assert!(shown.status.is_client_error(), "{path}");
        shown.has(&[&format!("<a class=\"button\" href=\"{list}\">{text}</a>"), "Request <code>"]);
    }
    site.forget();
    site.sign_up("eve").await;
    // A page that one may not see leads to no list that one may not see.
    site.get("/console/users/none").await.lacks(&["Go to the users"]);
}

/// A store that never answers.
struct Stuck;

keymint_ports::delegate_key_store! {
    impl KeyStore for Stuck {
        otherwise |_this, _method| std::future::pending().await;
    }
}

#[tokio::test]
async fn a_page_that_took_too_long_has_its_look_its_way_on_and_its_id() {
    let options = ApiOptions { request_timeout: Duration::from_millis(500), ..Setup::default().options };
    let brand = Brand { name: "Acme".to_owned(), ..Brand::default() };
    let site = Site::signed_in(Setup { keys: Some(Arc::new(Stuck)), options, brand, ..Setup::default() }).await;
    let home = site.enter_portal("ada", &PortalRight::ALL).await;
    for (path, keys, name) in [("/console/keys/x", "/console/keys", "Keymint"), (&home, "", "Acme")] {
        let keys = if keys.is_empty() { format!("{home}/keys") } else { keys.to_owned() };
        let path = if path == home { format!("{home}/keys/x") } else { path.to_owned() };
        let shown = site.get(&path).await;
        assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let id = shown.header("x-request-id").to_owned();
        shown.has(&[
            "Keymint cannot answer now",
            &format!("· {name}</title>"),
            &format!("href=\"{keys}\">Go to your keys</a>"),
            &format!("Request <code>{id}</code>"),
        ]);
        if name == "Acme" {
            shown.lacks(&["href=\"/console\""]);
        }
    }
}

#[tokio::test]
async fn whoever_is_banned_elsewhere_can_sign_out() {
    let setup = Setup::default();
    let store = Arc::clone(&setup.store);
    let site = Site::signed_in(setup).await;
    // Keymint ends the sessions with the ban, and others may not.
    let token = site.cookies().split_once('=').unwrap().1.split('.').next().unwrap().to_owned();
    let (session, user) = store.find_session(&SessionToken::new(token)).await.unwrap().unwrap();
    let origin = Origin::unrecorded();
    store.set_ban(&user.id, Some(Ban { until: None }), NOW, &origin).await.unwrap();
    assert!(store.insert_session(&session, &origin).await.unwrap());
    assert_eq!(site.get("/console/sign-in").await.location(), "/console/keys");
    let locked = site.get("/console/keys").await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED);
    locked.has(&["This account is locked", "action=\"/console/sign-out\"", "Sign out</button>"]);
    locked.lacks(&["Go to your keys"]);
    assert_eq!(site.post("/console/sign-out", &[]).await.location(), "/console/sign-in?did=signed-out");
    site.get("/console/sign-in").await.has(&["E-mail address"]);
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
    assert_eq!(shown.status, StatusCode::OK, "no escape is the text itself {}", shown.html);
    shown.has(&["value=\"%zz\""]);
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
