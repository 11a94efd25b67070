//! New keys, and the page that shows a secret once.

use std::num::NonZeroU32;

use keymint_domain::key::PlainKey;
use keymint_domain::{Configuration, Permissions};
use keymint_service::{Caller, VerifyKey};
use reqwest::StatusCode;

use crate::support::{Setup, Site};

#[tokio::test]
async fn a_secret_is_shown_once_and_works() {
    let site = Site::signed_in(Setup::default()).await;
    let form = site.get("/console/keys/new").await.hidden("form");
    let sent = [("form", &*form), ("config", "default"), ("name", "Deploy"), ("expiry", "30")];
    let shown = site.post("/console/keys/new", &sent).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.header("cache-control"), "no-store, private");
    let secret = shown.secret();
    shown.has(&["this once", "I have saved it", "data-secret-page", "data-download=\"key.env\"", "API_KEY="]);
    shown.has(&["curl https://keys.example.com/api/auth/api-key/verify"]);
    let verdict = site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap();
    let key = verdict.accepted().unwrap();
    assert_eq!(key.details.name.as_deref(), Some("Deploy"));
    let days = key.details.expires_at.unwrap().millis_since(key.details.created_at) / 86_400_000;
    assert_eq!(days, 30);

    let id = key.details.id.as_str();
    for path in ["/console/keys", "/console/keys/new", &format!("/console/keys/{id}")] {
        site.get(path).await.lacks(&[&secret]);
    }
    site.get(&format!("/console/keys/{id}")).await.has(&["Deploy", "you"]);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_key() {
    let site = Site::signed_in(Setup::default()).await;
    let form = site.get("/console/keys/new").await.hidden("form");
    let sent = [("form", &*form), ("config", "default"), ("name", "once")];
    let (first, second) = tokio::join!(site.post("/console/keys/new", &sent), site.post("/console/keys/new", &sent));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 303], "{}", first.html);
    let again = site.post("/console/keys/new", &sent).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = site.get(again.location()).await;
    page.has(&["The form was sent before", "rotate the key"]);
    page.lacks(&["data-secret-page"]);
    site.get("/console/keys").await.has(&["1–1 of 1"]);
}

#[tokio::test]
async fn a_form_whose_key_was_deleted_makes_no_other() {
    for days in [0, 30] {
        let site = Site::signed_in(Setup::configured(|found| found.undelete_ms = days * 86_400_000)).await;
        let form = site.get("/console/keys/new").await.hidden("form");
        let sent = [("form", &*form), ("config", "default"), ("name", "once")];
        assert_eq!(site.post("/console/keys/new", &sent).await.status, StatusCode::OK);
        let path = format!("/console/keys/{}", form.split('.').next().unwrap());
        let delete = format!("{path}/delete");
        let version = site.get(&delete).await.hidden("version");
        assert_eq!(site.post(&delete, &[("version", &*version)]).await.status, StatusCode::SEE_OTHER);
        let again = site.post("/console/keys/new", &sent).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{days} days");
        again.has(&["This form was sent before", "href=\"/console/keys\""]);
        site.get("/console/keys").await.has(&["No keys yet"]);
        let restored = site.post(&format!("{path}/restore"), &[]).await.status;
        assert_eq!(restored, if days == 0 { StatusCode::NOT_FOUND } else { StatusCode::SEE_OTHER });
    }
}

#[tokio::test]
async fn the_second_submit_finds_the_key_where_no_more_are_allowed() {
    let most = |found: &mut Configuration| found.max_keys_per_user = NonZeroU32::new(1);
    let site = Site::signed_in(Setup::configured(most)).await;
    let form = site.get("/console/keys/new").await.hidden("form");
    let sent = [("form", &*form), ("config", "default"), ("name", "only")];
    assert_eq!(site.post("/console/keys/new", &sent).await.status, StatusCode::OK);
    assert_eq!(site.post("/console/keys/new", &sent).await.status, StatusCode::SEE_OTHER);
    let other = site.get("/console/keys/new").await.hidden("form");
    let refused = site.post("/console/keys/new", &[("form", &*other), ("config", "default"), ("name", "more")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.has(&["There are as many keys as one owner may have: 1.", "value=\"more\""]);
}

#[tokio::test]
async fn a_form_that_is_not_ours_makes_nothing() {
    let site = Site::signed_in(Setup::default()).await;
    let form = site.get("/console/keys/new").await.hidden("form");
    let old = form.clone();
    for forged in ["", "x.1.y", &form.replacen('.', "a.", 1)] {
        let refused = site.post("/console/keys/new", &[("form", forged), ("name", "forged")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{forged}");
        refused.has(&["This form is out of date", "href=\"/console/keys/new\""]);
    }
    site.forget();
    site.sign_up("bob").await;
    assert_eq!(
        site.post("/console/keys/new", &[("form", &*old)]).await.status,
        StatusCode::CONFLICT,
        "of another user"
    );
    let aged = site.get("/console/keys/new").await.hidden("form");
    site.clock.advance(86_400_001);
    assert_eq!(site.post("/console/keys/new", &[("form", &*aged)]).await.status, StatusCode::CONFLICT, "too old");
    let elsewhere = site.post_from("https://evil.example", "/console/keys/new", &[("form", &*old)]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    site.forget();
    let nobody = site.post("/console/keys/new", &[("form", &*old)]).await;
    assert_eq!(nobody.location(), "/console/sign-in?then=%2Fconsole%2Fkeys%2Fnew&did=too-late");
}

#[tokio::test]
async fn problems_stand_beside_their_fields_and_values_are_kept() {
    let configure = |found: &mut Configuration| {
        found.require_name = true;
        found.expiration.max_days = 60;
    };
    let site = Site::signed_in(Setup::configured(configure)).await;
    let page = site.get("/console/keys/new").await;
    page.has(&["After 60 days", "1 to 60"]);
    page.lacks(&["After 90 days", "(optional)"]);
    let form = page.hidden("form");
    let long = "x".repeat(33);
    let rtl = "a\u{202e}b";
    for (fields, texts) in [
        (vec![("name", "")], vec!["Enter a name.", "id=\"name-problem\""]),
        (vec![("name", &*long)], vec!["Enter 1 to 32 characters.", &*long]),
        (vec![("name", rtl)], vec!["Leave out characters that nobody sees"]),
        (vec![("name", "kept"), ("expiry", "90")], vec!["Choose 60 days or fewer.", "value=\"kept\""]),
        (vec![("name", "n"), ("expiry", "soon")], vec!["Choose one of the lifetimes."]),
        (vec![("name", "n"), ("expiry", "custom")], vec!["Enter a number of days."]),
        (vec![("name", "n"), ("expiry", "custom"), ("days", "61")], vec!["Enter a whole number from 1 to 60."]),
        (
            vec![("name", "n"), ("permission", "[\"files\",\"read\"]")],
            vec!["Only an operator gives permissions", "Nothing was changed."],
        ),
        (vec![("name", "n"), ("permission", "files")], vec!["Pick from the permissions that are offered."]),
    ] {
        let all: Vec<_> = [("form", &*form), ("config", "default")].into_iter().chain(fields).collect();
        let shown = site.post("/console/keys/new", &all).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{all:?} {}", shown.html);
        shown.has(&texts);
        assert_eq!(shown.hidden("form"), form, "the same form goes on");
    }
    site.get("/console/keys").await.has(&["No keys yet"]);
}

#[tokio::test]
async fn permissions_are_picked_from_what_may_be_granted() {
    let configure = |found: &mut Configuration| {
        found.grantable = Some(Permissions::of(&[("files", &["read", "write"]), ("<b>", &["x:y"])]));
        found.permission_descriptions = vec![("files:read".to_owned(), "Sees <all> files".to_owned())];
    };
    let site = Site::signed_in(Setup::configured(configure)).await;
    let page = site.get("/console/keys/new").await;
    page.has(&["Sees &#60;all&#62; files", "<bdi>&#60;b&#62;</bdi>"]);
    page.lacks(&["more-permissions", "Rate limit", "Networks"]);
    let sent = [
        ("form", &*page.hidden("form")),
        ("config", "default"),
        ("permission", "[\"files\",\"read\"]"),
        ("permission", "[\"<b>\",\"x:y\"]"),
    ];
    let secret = site.post("/console/keys/new", &sent).await.secret();
    let verdict = site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap();
    let key = verdict.accepted().unwrap();
    let pairs: Vec<_> = key.details.permissions.as_ref().unwrap().pairs().collect();
    assert_eq!(pairs, [("<b>", "x:y"), ("files", "read")]);

    let form = site.get("/console/keys/new").await.hidden("form");
    let above = [("form", &*form), ("config", "default"), ("permission", "[\"users\",\"delete\"]")];
    let refused = site.post("/console/keys/new", &above).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.has(&["You may not give: users:delete."]);
}

#[tokio::test]
async fn what_operators_alone_may_set_is_ignored_from_others() {
    let site = Site::signed_in(Setup::default()).await;
    let form = site.get("/console/keys/new").await.hidden("form");
    let sent = [("form", &*form), ("config", "default"), ("quota", "5"), ("owner", "bob"), ("limit", "none")];
    let secret = site.post("/console/keys/new", &sent).await.secret();
    let verdict = site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap();
    let key = verdict.accepted().unwrap();
    assert_eq!((key.usage.remaining, key.details.rate_limit_enabled), (None, true));
    assert_ne!(key.details.owner.as_str(), "bob");
}

#[tokio::test]
async fn metadata_is_taken_where_it_is_switched_on() {
    let site = Site::signed_in(Setup::default()).await;
    site.get("/console/keys/new").await.lacks(&["name=\"metadata\""]);
    let site = Site::signed_in(Setup::configured(|found| found.enable_metadata = true)).await;
    let page = site.get("/console/keys/new").await;
    page.has(&["name=\"metadata\""]);
    let form = page.hidden("form");
    for text in ["{", "7", "</textarea><script>"] {
        let shown =
            site.post("/console/keys/new", &[("form", &*form), ("config", "default"), ("metadata", text)]).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        shown.has(&["Enter a JSON object"]);
        shown.lacks(&["<script>"]);
    }
    let sent = [("form", &*form), ("config", "default"), ("metadata", "{\"team\": \"a\"}")];
    let secret = site.post("/console/keys/new", &sent).await.secret();
    let verdict = site.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(&*secret))).await.unwrap();
    assert!(verdict.accepted().unwrap().details.metadata.is_some());
}
