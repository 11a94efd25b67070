//! Pages for operators alone, and the owners of keys.

use std::sync::Arc;

use keymint_domain::key::{KeyCounts, KeyState, NewKey};
use keymint_domain::policy::References;
use keymint_domain::value::KeyName;
use keymint_domain::{ConfigId, Configuration, OrganizationId, OwnerId, Policy};
use keymint_ports::{CountedPortion, MockKeyStore, StoreError};
use keymint_service::{Caller, CreateKey, ListKeys, VerifyKey};
use reqwest::StatusCode;

use crate::support::{Setup, Site};

const PATHS: [&str; 14] = [
    "/console/owners",
    "/console/owners/bob",
    "/console/owners/bob/suspend",
    "/console/owners/bob/resume",
    "/console/owners/bob/revoke",
    "/console/audit",
    "/console/audit/export",
    "/console/webhooks",
    "/console/webhooks/new",
    "/console/webhooks/x",
    "/console/webhooks/x/delete",
    "/console/server-keys",
    "/console/server-keys/x/revoke",
    "/console/settings",
];

fn named(name: &str) -> NewKey {
    NewKey { name: Some(KeyName::parse(name).unwrap()), ..NewKey::default() }
}

/// Counts the keys that work.
async fn working(site: &Site) -> usize {
    let all = ListKeys { limit: Some(100), ..ListKeys::default() };
    let listed = site.keys.list(&Caller::Server, all).await.unwrap();
    listed.keys.iter().filter(|key| key.details.enabled && key.details.revocation.is_none()).count()
}

#[tokio::test]
async fn pages_of_operators_are_for_nobody_else() {
    let site = Site::new();
    for path in PATHS {
        let shown = site.get(path).await;
        assert!(shown.location().starts_with("/console/sign-in?then="), "{path}: {}", shown.status);
    }
    site.sign_up("ada").await;
    site.get("/console/keys").await.lacks(&["/console/owners", "/console/audit", "/console/settings", "Webhooks"]);
    for path in PATHS {
        let shown = site.get(path).await;
        assert_eq!(shown.status, StatusCode::FORBIDDEN, "{path}");
        shown.has(&["This page is for operators", "ada@example.com"]);
    }
    let of_bob = site.mint("bob", named("of bob")).await;
    for path in
        ["/console/owners/bob/revoke", "/console/owners/bob/suspend", "/console/server-keys", "/console/webhooks/new"]
    {
        let shown = site.post(path, &[("confirm", "bob"), ("name", "x"), ("url", "https://example.com/")]).await;
        assert_eq!(shown.status, StatusCode::FORBIDDEN, "{path}");
    }
    let key = site.keys.get(&Caller::Server, &of_bob, None).await.unwrap();
    assert!(key.details.enabled && key.details.revocation.is_none());
    assert!(site.server_keys.list().await.unwrap().is_empty());

    site.users.make_operator(&Caller::Server, "ada@example.com").await.unwrap();
    site.get("/console/keys").await.has(&[
        "/console/owners",
        "/console/audit",
        "/console/settings",
        "Webhooks",
        "Operator",
    ]);
    for path in PATHS {
        let status = site.get(path).await.status;
        let expected = if path.contains("/x") { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(status, expected, "{path}");
    }
}

#[tokio::test]
async fn an_owner_is_looked_up_and_shown() {
    let site = Site::operated(Setup::default()).await;
    site.get("/console/owners").await.has(&["No owner yet", "data-search"]);
    site.mint("bob", named("one")).await;
    site.mint("bob", named("two")).await;
    let strange = "a/b <script>\u{1f600}";
    site.mint(strange, named("three")).await;
    let list = site.get("/console/owners").await;
    list.has(&["href=\"/console/owners/bob\"", "&#60;script&#62;"]);
    list.lacks(&["<script>\u{1f600}"]);
    assert_eq!(site.get("/console/owners?owner=bob").await.location(), "/console/owners/bob");
    let page = site.get("/console/owners/bob").await;
    page.has(&[
        "href=\"/console/keys?owner=bob&#38;status=active\">2</a>",
        "Suspend",
        "/console/audit?owner=bob",
        "Usage",
    ]);
    let path = "/console/owners/a%2Fb%20%3Cscript%3E%F0%9F%98%80";
    site.get(path).await.has(&["a/b &#60;script&#62;\u{1f600}", ">1</a>"]);
    site.get("/console/owners/nobody").await.has(&["Nobody with this id owns a key"]);
    let long = site.get(&format!("/console/owners?owner={}", "a".repeat(10_000))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    long.has(&["The owner must", "owner-problem"]);
    assert!(long.html.len() < 20_000);
}

#[tokio::test]
async fn an_owner_has_the_keys_of_every_configuration() {
    let mut team = Configuration::new(ConfigId::parse("team").unwrap());
    team.references = References::Organization;
    let policy = Policy::new(vec![Configuration::default(), team]).unwrap();
    let site = Site::operated(Setup { policy, ..Setup::default() }).await;
    let ours = CreateKey {
        config_id: ConfigId::parse("team").ok(),
        organization: OrganizationId::parse("acme").ok(),
        ..CreateKey::of(OwnerId::parse("nobody").unwrap(), named("of the team"))
    };
    let minted = site.keys.create(&Caller::Server, ours).await.unwrap();
    site.keys.verify(&Caller::Server, VerifyKey::of(minted.plain)).await.unwrap();
    site.usage.flush().await.unwrap();

    site.get("/console/owners").await.has(&["href=\"/console/owners/acme\""]);
    let page = site.get("/console/owners/acme").await;
    page.has(&["href=\"/console/keys?owner=acme&#38;status=active\">1</a>"]);
    page.lacks(&["Nothing in this time"]);
    for path in ["/console/keys?owner=acme", "/console/keys?owner=acme&status=active&config=team"] {
        site.get(path).await.has(&["of the team", "1–1 of 1"]);
    }
    site.mint("acme", named("of the user")).await;
    site.get("/console/keys?owner=acme").await.has(&["of the team", "of the user"]);
    site.get("/console/keys?organization=acme").await.lacks(&["of the user"]);
    let both = site.get("/console/keys?owner=acme&organization=acme").await;
    both.has(&["of the team", "1–1 of 1"]);
    let other = site.get("/console/keys?owner=bob&organization=acme").await;
    other.has(&["No key matches", "value=\"bob\"", "value=\"acme\""]);
    other.lacks(&["of the team", "of the user"]);
    site.get("/console/owners/acme/suspend").await.has(&["<strong>2 keys</strong>"]);
}

#[tokio::test]
async fn all_keys_of_an_owner_are_suspended_and_resumed() {
    let site = Site::operated(Setup::default()).await;
    for number in 0..3 {
        site.mint("bob", named(&format!("key {number}"))).await;
    }
    site.mint("eve", named("of eve")).await;
    let form = site.get("/console/owners/bob/suspend").await;
    form.has(&["Suspend all keys of <bdi>bob</bdi>?", "<strong>3 keys</strong>", "<code>bob</code>", "data-once"]);
    for wrong in ["", "Bob", "eve", "bob bob"] {
        let shown = site.post("/console/owners/bob/suspend", &[("confirm", wrong)]).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        shown.has(&["Enter exactly the text that is shown.", "confirm-problem"]);
    }
    let forged = site.post_from("https://evil.example", "/console/owners/bob/suspend", &[("confirm", "bob")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let forged = site.post("/console/owners/bob/suspend", &[("confirm", "bob"), ("after", "x")]).await;
    assert_eq!(forged.status, StatusCode::CONFLICT);
    assert_eq!(working(&site).await, 4);

    let done = site.post("/console/owners/bob/suspend", &[("confirm", "bob")]).await;
    assert_eq!(done.status, StatusCode::OK);
    done.has(&["3 keys were suspended.", "Back to the owner"]);
    assert_eq!(working(&site).await, 1);
    let again = site.post("/console/owners/bob/suspend", &[("confirm", "bob")]).await;
    again.has(&["0 keys were suspended. 3 keys were already so"]);
    site.get("/console/owners/bob/suspend").await.has(&["No key would change."]);
    site.get("/console/owners/bob").await.has(&["Disabled"]);
    site.post("/console/owners/bob/resume", &[("confirm", " bob ")]).await.has(&["3 keys were resumed."]);
    assert_eq!(working(&site).await, 4);
    let log = site.get_with("/console/audit?owner=bob&type=keymint.key.enabled", "Key enabled").await;
    log.has(&["you"]);
}

#[tokio::test]
async fn all_keys_of_an_owner_are_revoked() {
    let site = Site::operated(Setup::default()).await;
    let id = site.mint("bob", named("one")).await;
    site.mint("bob", named("two")).await;
    site.get("/console/owners/bob/revoke").await.has(&["<strong>2 keys</strong>", "danger solid"]);
    site.post("/console/owners/bob/revoke", &[("confirm", "bob")]).await.has(&["2 keys were revoked."]);
    assert!(site.keys.get(&Caller::Server, &id, None).await.unwrap().details.revocation.is_some());
    let again = site.post("/console/owners/bob/resume", &[("confirm", "bob")]).await;
    again.has(&["0 keys were resumed."]);
    assert_eq!(working(&site).await, 0);
}

#[tokio::test]
async fn very_many_keys_are_counted_in_part() {
    let mut store = MockKeyStore::new();
    store.expect_count().returning(|owner, _, _, limit| {
        assert_eq!(owner, OwnerId::parse("bob").ok());
        let mut counts = KeyCounts::default();
        counts.add(KeyState::Active, limit.get().into());
        Ok(CountedPortion::new(counts, Some("k".to_owned()), limit))
    });
    let site = Site::operated(Setup { keys: Some(Arc::new(store)), ..Setup::default() }).await;
    site.get("/console/owners/bob").await.has(&["10,000", "There are more keys: these are 10,000 of them."]);
}

#[tokio::test]
async fn a_database_that_is_down_has_a_page() {
    let mut store = MockKeyStore::new();
    store.expect_list().returning(|_| Err(StoreError::unavailable("down")));
    store.expect_count().returning(|_, _, _, _| Err(StoreError::unavailable("down")));
    store.expect_preview_update_many().returning(|_, _, _| Err(StoreError::unavailable("down")));
    store.expect_update_many().returning(|_, _, _, _| Err(StoreError::unavailable("down")));
    let site = Site::operated(Setup { keys: Some(Arc::new(store)), ..Setup::default() }).await;
    for path in ["/console/owners", "/console/owners/bob", "/console/owners/bob/suspend"] {
        let shown = site.get(path).await;
        assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        shown.has(&["Keymint cannot answer now"]);
    }
    let shown = site.post("/console/owners/bob/suspend", &[("confirm", "bob")]).await;
    assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE);
    shown.has(&["look at the current state before you send it again"]);
    shown.lacks(&["down"]);
}

#[tokio::test]
async fn a_change_goes_on_where_it_stopped() {
    let site = Site::operated(Setup::default()).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(site.mint("bob", named(&format!("key {number}"))).await);
    }
    ids.sort();
    // The form of an answer that was not the last one.
    let after = format!("0:{}", ids[1].as_str());
    let form = [("confirm", "bob"), ("after", &*after)];
    site.post("/console/owners/bob/suspend", &form).await.has(&["1 key was suspended."]);
    assert_eq!(working(&site).await, 2);
}
