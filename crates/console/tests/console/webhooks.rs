//! Endpoints that are told of events.

use keymint_domain::key::NewKey;
use reqwest::StatusCode;

use crate::support::{Setup, Shown, Site};

async fn make(site: &Site, url: &str) -> (String, Shown) {
    let form = site.get("/console/webhooks/new").await.hidden("form");
    let shown = site.post("/console/webhooks/new", &[("form", &form), ("url", url), ("kinds", "keymint.key.*")]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    let path = shown.html.split("data-after=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    (path, shown)
}

#[tokio::test]
async fn a_webhook_is_made_once_and_its_secret_is_shown_once() {
    let site = Site::operated(Setup::default()).await;
    site.get("/console/webhooks").await.has(&["No webhooks yet", "Make the first webhook"]);
    let form = site.get("/console/webhooks/new").await.hidden("form");
    let sent =
        [("form", &*form), ("url", "https://example.com/hooks?a=<b>"), ("kinds", "keymint.key.*\nkeymint.user.*")];
    let forged = site.post_from("https://evil.example", "/console/webhooks/new", &sent).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let shown = site.post("/console/webhooks/new", &sent).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    assert!(shown.header("cache-control").contains("no-store"));
    let secret = shown.secret();
    assert!(secret.starts_with("whsec_"));
    let again = site.post("/console/webhooks/new", &sent).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = site.get(again.location()).await;
    page.has(&["Nothing was made now", "example.com", "keymint.user.*", "badge good"]);
    page.lacks(&[&secret, "<b>"]);
    let list = site.get("/console/webhooks").await;
    assert_eq!(list.html.matches("class=\"title\"").count(), 1);
    list.lacks(&[&secret]);

    let path = again.location().split('?').next().unwrap();
    let deleted = site.post(&format!("{path}/delete"), &[("confirm", "example.com")]).await;
    assert_eq!(deleted.location(), "/console/webhooks?did=webhook-deleted");
    let again = site.post("/console/webhooks/new", &sent).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    again.has(&["This form was sent before", "href=\"/console/webhooks\""]);
    site.get("/console/webhooks").await.has(&["No webhooks yet"]);
}

#[tokio::test]
async fn wrong_addresses_and_kinds_are_told_beside_their_field() {
    let site = Site::operated(Setup::default()).await;
    let form = site.get("/console/webhooks/new").await.hidden("form");
    let long = format!("https://example.com/{}", "a".repeat(10_000));
    for (url, kinds, owner, text) in [
        ("", "", "", "Enter the address"),
        ("ftp://example.com", "", "", "The address must begin with https://"),
        ("https://127.0.0.1/", "", "", "The address must not be called"),
        ("https://a:b@example.com/", "", "", "neither a user nor a password"),
        (&*long, "", "", "2048 bytes"),
        ("https://example.com", "Key <script>", "", "The kinds:"),
        ("https://example.com", "", "\0", "The owner must"),
    ] {
        let sent = [("form", &*form), ("url", url), ("kinds", kinds), ("owner", owner)];
        let shown = site.post("/console/webhooks/new", &sent).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        shown.has(&[text, "-problem", "Nothing was changed."]);
        shown.lacks(&["<script>\""]);
        assert!(shown.html.len() < 20_000, "{text}");
    }
    let stale = site.post("/console/webhooks/new", &[("form", "x"), ("url", "https://example.com/")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    site.get("/console/webhooks").await.has(&["No webhooks yet"]);
}

#[tokio::test]
async fn deliveries_are_listed_and_made_again() {
    let site = Site::operated(Setup::default()).await;
    let (path, _) = make(&site, "https://example.com/hooks").await;
    site.get(&path).await.has(&["None. An event is delivered"]);
    let id = site.mint("bob", NewKey::default()).await;
    let page = site.get_with(&path, "last answer: 204").await;
    page.has(&[id.as_str(), "keymint.key.created", "1 attempt, last answer: 204", "Delivered"]);
    site.get(&format!("{path}?status=failed")).await.lacks(&["keymint.key.created"]);
    for wrong in ["x", "-1", "99999999999999999999", "18446744073709551615"] {
        assert_eq!(site.get(&format!("{path}?before={wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let (test, replay) = (format!("{path}/test"), format!("{path}/replay"));
    let form = page.hidden_of(&test, "form");
    let tested = site.post(&test, &[("form", &form)]).await;
    tested.has(&["The endpoint answered 204 in", "notice good"]);
    assert_ne!(tested.hidden_of(&test, "form"), form, "the next test has a form of its own");
    assert_eq!(site.post(&test, &[]).await.status, StatusCode::CONFLICT);
    let (version, form) = (page.hidden_of(&replay, "version"), page.hidden_of(&replay, "form"));
    let wrong = site.post(&replay, &[("version", &version), ("form", &form), ("from", "soon")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has(&["Enter an instant as in", "from-problem"]);
    let done = site.post(&replay, &[("version", &version), ("form", &form), ("from", "2023-11-14")]).await;
    assert_eq!(done.location(), format!("{path}?did=webhook-replayed"));
    assert_eq!(site.get(&format!("{path}/replay")).await.location(), path, "a link replays nothing");
}

#[tokio::test]
async fn a_webhook_is_paused_changed_and_deleted_by_current_forms() {
    let site = Site::operated(Setup::default()).await;
    let (path, made) = make(&site, "https://example.com/hooks").await;
    let version = site.get(&path).await.hidden("version");
    let stale = site.post(&format!("{path}/pause"), &[("version", "x")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let done = site.post(&format!("{path}/pause"), &[("version", &version)]).await;
    assert_eq!(done.location(), format!("{path}?did=webhook-paused"));
    let paused = site.get(done.location()).await;
    paused.has(&["The webhook is paused.", "Paused", "/resume"]);
    let second = site.post(&format!("{path}/pause"), &[("version", &version)]).await;
    assert_eq!(second.status, StatusCode::CONFLICT, "it is paused already");
    site.clock.advance(1000);
    let resumed = site.post(&format!("{path}/resume"), &[("version", &paused.hidden("version"))]).await;
    assert_eq!(resumed.location(), format!("{path}?did=webhook-resumed"));

    let form = site.get(&format!("{path}/secret")).await;
    form.has(&["A day", "7 days"]);
    let version = form.hidden("version");
    let wrong = site.post(&format!("{path}/secret"), &[("version", &version), ("overlap", "9y")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    form.has(&["value=\"24h\" checked"]);
    wrong.lacks(&[" checked"]);
    let changed = site.post(&format!("{path}/secret"), &[("version", &version), ("overlap", "24h")]).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.secret(), made.secret());
    let twice = site.post(&format!("{path}/secret"), &[("version", &version), ("overlap", "24h")]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "a second submit makes no second secret");
    site.get(&path).await.has(&["Former secret", "in 1 day"]);

    let wrong = site.post(&format!("{path}/delete"), &[("confirm", "example.org")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for _ in 0..2 {
        let done = site.post(&format!("{path}/delete"), &[("confirm", "example.com")]).await;
        assert_eq!(done.location(), "/console/webhooks?did=webhook-deleted");
    }
    let gone = site.get(&path).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    gone.has(&["There is no such webhook"]);
    site.get_with("/console/audit?type=keymint.webhook.*", "Webhook deleted")
        .await
        .has(&["<bdi>you</bdi>", &format!("href=\"{path}\"")]);
}

#[tokio::test]
async fn a_server_without_webhooks_says_how_to_get_them() {
    let site = Site::operated(Setup { records: false, ..Setup::default() }).await;
    for path in ["/console/webhooks", "/console/webhooks/new", "/console/webhooks/x"] {
        site.get(path).await.has(&["Webhooks are switched off", "webhooks.enabled = true"]);
    }
    assert_eq!(site.post("/console/webhooks/new", &[]).await.status, StatusCode::NOT_FOUND);
}
