//! One key, and what is done with it.

use keymint_domain::key::{MetadataInput, NewKey, PlainKey};
use keymint_domain::{Configuration, Metadata, Permissions};
use keymint_service::{Caller, VerifyKey};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Setup, Site, with_quota};

#[tokio::test]
async fn the_page_of_a_key_has_all_about_it() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, secret) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    let page = site.get(&path).await;
    page.has(&[
        "<bdi>Deploy</bdi>",
        id.as_str(),
        "Rate limit",
        "10 calls in 1 day",
        "10 of 10 left",
        "Nothing in this time",
    ]);
    for _ in 0..12 {
        site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap();
    }
    site.usage.flush().await.unwrap();
    for period in ["24h", "7d", "30d", "90d", "x"] {
        let page = site.get(&format!("{path}?usage={period}")).await;
        page.has(&["<dd>10</dd>", "<dd>2</dd>", "0 of 10 left", "Rate limited 2", "<svg class=\"chart\"", "<table"]);
        page.has(&["Time (UTC)", " UTC: 10 accepted"]);
    }
    site.get("/console/keys").await.has(&[">now</time>"]);
}

#[tokio::test]
async fn events_of_a_key_are_told() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    for _ in 0..200 {
        let page = site.get(&path).await;
        if page.html.contains("class=\"events\"") {
            page.has(&["Created", "by <bdi>you</bdi>"]);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no event is shown");
}

#[tokio::test]
async fn keys_of_others_are_not_there() {
    let site = Site::signed_in(Setup::default()).await;
    let of_bob = site.mint("bob", NewKey::default()).await;
    for id in [of_bob.as_str(), "nothing", "a%2Fb", "%3Cscript%3E", "%FF", "%00"] {
        for page in ["", "/revoke", "/delete"] {
            let shown = site.get(&format!("/console/keys/{id}{page}")).await;
            assert_eq!(shown.status, StatusCode::NOT_FOUND, "{id}{page}");
            shown.lacks(&["<script>alert", "of bob"]);
        }
        for action in ["revoke", "delete", "restore"] {
            let shown = site.post(&format!("/console/keys/{id}/{action}"), &[("version", "x")]).await;
            assert_eq!(shown.status, StatusCode::NOT_FOUND, "{id} {action}");
        }
    }
    assert!(site.keys.get(&Caller::Server, &of_bob, None).await.unwrap().details.revocation.is_none());
}

#[tokio::test]
async fn a_key_is_revoked_once_by_a_form_that_is_current() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, secret) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    let ask = site.get(&format!("{path}/revoke")).await;
    ask.has(&["It was never used.", "Keep it"]);
    let version = ask.hidden("version");
    let stale = site.post(&format!("{path}/revoke"), &[("version", "other")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale.has(&["This form is out of date", &format!("href=\"{path}\"")]);
    let from_elsewhere =
        site.post_from("https://evil.example", &format!("{path}/revoke"), &[("version", &*version)]).await;
    assert_eq!(from_elsewhere.status, StatusCode::FORBIDDEN);
    assert!(
        site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap().accepted().is_some()
    );

    for _ in 0..2 {
        let done = site.post(&format!("{path}/revoke"), &[("version", &*version)]).await;
        assert_eq!(done.location(), format!("{path}?did=revoked"));
    }
    let page = site.get(&format!("{path}?did=revoked")).await;
    page.has(&["The key is revoked.", "Revoked by", "badge bad"]);
    page.lacks(&["/revoke\"", "/rotate\""]);
    assert!(
        site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap().accepted().is_none()
    );
}

#[tokio::test]
async fn uses_make_no_form_stale() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, secret) = site.create("Deploy").await;
    let path = format!("/console/keys/{}/revoke", id.as_str());
    let version = site.get(&path).await.hidden("version");
    site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap();
    assert_eq!(site.post(&path, &[("version", &*version)]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_deleted_key_comes_back() {
    let site = Site::signed_in(Setup::configured(|found| found.undelete_ms = 86_400_000)).await;
    let (id, secret) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    let ask = site.get(&format!("{path}/delete")).await;
    ask.has(&["For 1 day you can undo that."]);
    let version = ask.hidden("version");
    assert_eq!(site.post(&format!("{path}/delete"), &[("version", "x")]).await.status, StatusCode::CONFLICT);
    let done = site.post(&format!("{path}/delete"), &[("version", &*version)]).await;
    let list = site.get(done.location()).await;
    list.has(&["The key is deleted.", "Undo", &format!("action=\"{path}/restore\"")]);
    assert_eq!(site.post(&format!("{path}/delete"), &[("version", &*version)]).await.status, StatusCode::NOT_FOUND);
    for _ in 0..2 {
        let back = site.post(&format!("{path}/restore"), &[]).await;
        assert_eq!(back.location(), format!("{path}?did=restored"));
    }
    site.get(&path).await.has(&["Deploy"]);
    assert!(
        site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap().accepted().is_some()
    );
    assert_eq!(site.get(&format!("{path}/restore")).await.location(), "/console/keys", "a link restores nothing");
}

#[tokio::test]
async fn a_key_that_is_deleted_for_good_says_so() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    let ask = site.get(&format!("{path}/delete")).await;
    ask.has(&["That cannot be undone."]);
    let done = site.post(&format!("{path}/delete"), &[("version", &*ask.hidden("version"))]).await;
    assert_eq!(done.location(), "/console/keys?did=deleted");
    site.get(done.location()).await.lacks(&["Undo"]);
}

#[tokio::test]
async fn a_quota_shows_what_is_left() {
    let site = Site::signed_in(Setup::configured(|found: &mut Configuration| found.rate_limit.enabled = false)).await;
    let (id, _) = site.create("mine").await;
    let owner = site.keys.get(&Caller::Server, &id, None).await.unwrap().details.owner.to_string();
    let quota = site.mint(&owner, with_quota(1500)).await;
    site.get(&format!("/console/keys/{}", quota.as_str())).await.has(&["1,500 calls left", "without a refill"]);
    site.get(&format!("/console/keys/{}", id.as_str())).await.has(&["The key has no limit."]);
}

#[tokio::test]
async fn long_metadata_and_many_permissions_are_shown_in_part() {
    let site = Site::operated(Setup::configured(|found| found.enable_metadata = true)).await;
    let metadata = json!({ "team": "a<b", "more": "m".repeat(20_000), "last": "z" });
    let actions: Vec<_> = (0..500).map(|number| ("files", format!("action{number}"))).collect();
    let new = NewKey {
        metadata: MetadataInput::Given(Metadata::from_json(&metadata).unwrap()),
        permissions: Some(Permissions::from_pairs(actions.iter().map(|(name, action)| (*name, action.as_str())))),
        ..NewKey::default()
    };
    let id = site.mint("ada", new).await;
    let page = site.get(&format!("/console/keys/{}", id.as_str())).await;
    page.has(&["a&lt;b", "This is its beginning.", "And 400 more, which the API has."]);
    assert!(page.html.len() < 20_000, "{}", page.html.len());
    site.get(&format!("/console/keys/{}/edit", id.as_str())).await.has(&[&"m".repeat(20_000)]);
}

#[tokio::test]
async fn a_key_is_changed_by_a_form_that_is_current() {
    let configure = |found: &mut Configuration| {
        found.enable_metadata = true;
        found.grantable = Some(Permissions::of(&[("files", &["read", "write"])]));
    };
    let site = Site::signed_in(Setup::configured(configure)).await;
    let (id, secret) = site.create("Deploy").await;
    let path = format!("/console/keys/{}/edit", id.as_str());
    let page = site.get(&path).await;
    page.has(&["value=\"Deploy\"", "As it is: never", "name=\"metadata\"", "name=\"enabled\" value=\"yes\" checked"]);
    page.lacks(&["Rate limit", "Networks"]);
    let version = page.hidden("version");
    let sent = [
        ("version", &*version),
        ("name", "Deploy 2"),
        ("enabled", "yes"),
        ("expiry", "30"),
        ("permission", "[\"files\",\"read\"]"),
        ("metadata", "{\"team\": \"a<b\"}"),
    ];
    let saved = site.post(&path, &sent).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let page = site.get(saved.location()).await;
    page.has(&["The changes are saved.", "<bdi>Deploy 2</bdi>", "files:read", "a&lt;b"]);
    let again = site.post(&path, &sent).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "the form has done its work");

    let version = site.get(&path).await.hidden("version");
    let base = [("version", &*version), ("name", "Deploy 2"), ("permission", "[\"files\",\"read\"]")];
    let metadata = ("metadata", "{\"team\": \"a<b\"}");
    for (fields, texts) in [
        (vec![("name", ""), metadata], vec!["A name can be changed, and not removed."]),
        (vec![("metadata", "[")], vec!["Enter a JSON object"]),
        (vec![metadata, ("expiry", "custom"), ("days", "400")], vec!["Enter a whole number from 1 to 365."]),
        (vec![metadata, ("permission", "[\"users\",\"read\"]")], vec!["You may not give: users:read."]),
    ] {
        let all: Vec<_> = base.into_iter().chain(fields).collect();
        let shown = site.post(&path, &all).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{all:?} {}", shown.html);
        shown.has(&texts);
    }
    let key = site.keys.get(&Caller::Server, &id, None).await.unwrap();
    assert_eq!((key.details.name.as_deref(), key.details.enabled), (Some("Deploy 2"), true), "nothing was changed");

    let disabled = site
        .post(&path, &[("version", &*version), ("name", "Deploy 2"), metadata, ("permission", "[\"files\",\"read\"]")])
        .await;
    assert_eq!(disabled.status, StatusCode::SEE_OTHER);
    site.get(disabled.location()).await.has(&["badge off", "Disabled"]);
    assert!(
        site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap().accepted().is_none()
    );
}

#[tokio::test]
async fn a_form_that_changes_nothing_changes_nothing() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    let version = site.get(&format!("{path}/edit")).await.hidden("version");
    let sent = [("version", &*version), ("name", "Deploy"), ("enabled", "yes"), ("expiry", "keep")];
    let done = site.post(&format!("{path}/edit"), &sent).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, &*path));
}

#[tokio::test]
async fn a_test_shows_every_rule_and_counts_nothing() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    site.get(&format!("{path}/test")).await.has(&["A use would be accepted.", "Its rate limit has room"]);
    let refused = site.get(&format!("{path}/test?permissions=files%3Aread&cost=11&address=203.0.113.7")).await;
    refused.has(&[
        "A use would be refused: Insufficient permissions.",
        "badge bad",
        "value=\"files:read\"",
        "value=\"11\"",
    ]);
    for (query, text) in [
        ("permissions=files", "Write resource:action"),
        ("address=nowhere", "Enter one address"),
        ("cost=-1", "Enter a whole number from 0 to 1,000,000."),
    ] {
        let shown = site.get(&format!("{path}/test?{query}")).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        shown.has(&[text]);
    }
    site.get(&path).await.has(&["10 of 10 left"]);
    let of_bob = site.mint("bob", NewKey::default()).await;
    assert_eq!(site.get(&format!("/console/keys/{}/test", of_bob.as_str())).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_tells_of_nothing_that_is_not_so() {
    let site = Site::operated(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let key = format!("/console/keys/{}", id.as_str());
    let user = site.get("/console/users?user=ada@example.com").await.location().to_owned();
    let form = site.get("/console/webhooks/new").await.hidden("form");
    let made = site.post("/console/webhooks/new", &[("form", &form), ("url", "https://example.com/")]).await;
    let webhook = made.html.split("data-after=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    site.post("/console/sign-in", &[("email", "ada@example.com"), ("password", "password")]).await;
    let deleted = format!("deleted&key={}", id.as_str());
    for (page, words) in [
        (&*key, &["revoked", "deleted", "claimed", "banned", "webhook-deleted", "password-set"][..]),
        (&format!("{key}/edit"), &["saved", "revoked"]),
        ("/console/keys", &["revoked", "saved", &deleted]),
        (&user, &["banned", "operator-removed", "renamed"]),
        (&webhook, &["webhook-paused", "webhook-deleted"]),
        ("/console/server-keys", &["server-key-revoked", "revoked"]),
        ("/console/account", &["sessions-ended", "revoked", "nothing"]),
        ("/console/settings", &["saved"]),
    ] {
        for word in words {
            let shown = site.get(&format!("{page}?did={word}")).await;
            assert_eq!(shown.status, StatusCode::OK, "{page} {word}");
            assert!(!shown.html.contains("class=\"notice good\""), "{page} {word}: {}", shown.html);
        }
    }
    site.get(&format!("{webhook}?did=webhook-resumed")).await.has(&["class=\"notice good\""]);
    site.forget();
    site.sign_up("eve").await;
    site.get("/console/keys?did=claimed").await.lacks(&["You are an operator"]);
}

#[tokio::test]
async fn a_secret_is_rotated() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, first) = site.create("Deploy").await;
    let path = format!("/console/keys/{}", id.as_str());
    let rotate = format!("{path}/rotate");
    let works = async |secret: &str| {
        let verdict = site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(secret))).await.unwrap();
        verdict.accepted().is_some()
    };
    let ask = site.get(&rotate).await;
    ask.has(&["1 hour after the first use", "1 week after the first use", "it ends now"]);
    let version = ask.hidden("version");
    let missing = site.post(&rotate, &[("version", &*version)]).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    missing.has(&["Choose how long"]);
    missing.lacks(&["end-former"]);
    let sent = [("version", &*version), ("grace", "3600")];
    let shown = site.post(&rotate, &sent).await;
    assert_eq!((shown.status, shown.header("cache-control")), (StatusCode::OK, "no-store, private"));
    let second = shown.secret();
    assert_ne!(first, second);
    assert_eq!(site.post(&rotate, &sent).await.status, StatusCode::CONFLICT, "a second submit makes no third secret");
    site.get(&path).await.has(&["waits for its first use", "former one for 1 hour more"]);

    let cancel = site.get(&rotate).await.hidden("version");
    let cancelled = site.post(&format!("{rotate}/cancel"), &[("version", &*cancel)]).await;
    site.get(cancelled.location()).await.has(&["The new secret has ended."]);
    assert!(!works(&second).await && works(&first).await);

    let version = site.get(&rotate).await.hidden("version");
    let third = site.post(&rotate, &[("version", &*version), ("grace", "3600")]).await.secret();
    assert!(works(&third).await && works(&first).await);
    let page = site.get(&rotate).await;
    page.has(&["The new secret is in use.", "The former secret was last used", "Finish: end the former secret now"]);
    let version = page.hidden("version");
    assert_eq!(site.post(&rotate, &[("version", &*version), ("grace", "3600")]).await.status, StatusCode::CONFLICT);
    let wrong = site.post(&rotate, &[("version", &*version), ("grace", "soon"), ("end-former", "yes")]).await;
    wrong.has(&["Choose one of the times.", "name=\"end-former\" value=\"yes\" checked"]);
    let finished = site.post(&format!("{rotate}/finish"), &[("version", &*version)]).await;
    site.get(finished.location()).await.has(&["The former secret has ended."]);
    assert!(works(&third).await && !works(&first).await);

    let version = site.get(&rotate).await.hidden("version");
    let fourth = site.post(&rotate, &[("version", &*version), ("grace", "now")]).await.secret();
    assert!(works(&fourth).await && !works(&third).await, "it ended at once");
    assert_eq!(site.get(&format!("{rotate}/finish")).await.location(), rotate, "a link ends nothing");
}
