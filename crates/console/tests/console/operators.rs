//! The pages of keys, as operators see and use them beyond others.

use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::usage::Every;
use keymint_domain::value::KeyName;
use keymint_domain::{ApiKey, Configuration, KeyId, Permissions};
use keymint_service::{Caller, VerifyKey};
use reqwest::StatusCode;

use crate::support::{Setup, Site};

/// A site whose visitor is an operator.
async fn operated(setup: Setup) -> Site {
    let site = Site::signed_in(setup).await;
    site.users.make_operator(&Caller::Server, "ada@example.com").await.unwrap().unwrap();
    site
}

async fn key(site: &Site, id: &KeyId) -> ApiKey {
    site.keys.get(&Caller::Server, id, None).await.unwrap()
}

#[tokio::test]
async fn operators_see_all_keys_and_whose_they_are() {
    let site = operated(Setup::default()).await;
    site.create("mine").await;
    let of_bob = NewKey { name: Some(KeyName::parse("of bob").unwrap()), ..NewKey::default() };
    let of_bob = site.mint("bob", of_bob).await;
    let page = site.get("/console/keys").await;
    page.has(&["Operator", ">mine<", ">of bob<", "data-label=\"Owner\"", "1–2 of 2"]);
    let of_owner = site.get("/console/keys?owner=bob").await;
    of_owner.has(&[">of bob<", "value=\"bob\""]);
    of_owner.lacks(&[">mine<"]);
    let path = format!("/console/keys/{}", of_bob.as_str());
    site.get(&path).await.has(&["<dt>Owner</dt><dd><code>bob</code>", "of bob"]);
    site.get(&format!("{path}/test")).await.has(&["A use would be accepted."]);
    let long = format!("/console/keys?owner={}", "a".repeat(10_000));
    assert_eq!(site.get(&long).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn operators_make_keys_of_others_with_limits_of_their_own() {
    let site = operated(Setup::default()).await;
    let page = site.get("/console/keys/new").await;
    page.has(&["Rate limit", "Networks", "name=\"owner\"", "name=\"more-permissions\""]);
    let form = page.hidden("form");
    let base = [("form", &*form), ("config", "default"), ("owner", "bob"), ("name", "n")];
    for (fields, text) in [
        (vec![("limit", "own"), ("calls", "x"), ("window", "1"), ("unit", "minute")], "Enter a whole number from 1 to"),
        (vec![("limit", "own"), ("calls", "5"), ("window", "9999"), ("unit", "day")], "from 1 to 400."),
        (vec![("limit", "own"), ("calls", "5"), ("window", "1"), ("unit", "year")], "Choose a unit of time."),
        (vec![("limit", "own"), ("window", "1"), ("unit", "day")], "Enter how many calls are allowed."),
        (vec![("quota", "-1")], "Enter a whole number from 0 to"),
        (vec![("refill", "5")], "Enter both: how many calls, and how often."),
        (vec![("every", "day")], "Enter both: how many calls, and how often."),
        (vec![("allowed", "10.0.0.1/8")], "10.0.0.1/8 must be an address or a network"),
        (vec![("denied", "<b>")], "&#60;b&#62; must be an address"),
        (vec![("more-permissions", "files")], "Write resource:action"),
    ] {
        let all: Vec<_> = base.into_iter().chain(fields).collect();
        let shown = site.post("/console/keys/new", &all).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{all:?}");
        shown.has(&[text, "value=\"bob\""]);
    }
    let good = [
        ("limit", "own"),
        ("calls", "1,500"),
        ("window", "2"),
        ("unit", "hour"),
        ("quota", "10 000"),
        ("refill", "500"),
        ("every", "month"),
        ("allowed", "203.0.113.7\r\n10.0.0.0/8, 2001:db8::/32"),
        ("denied", "10.1.0.0/16"),
        ("more-permissions", "files:read\r\nfiles:write, reports:read"),
    ];
    let all: Vec<_> = base.into_iter().chain(good).collect();
    let shown = site.post("/console/keys/new", &all).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    let made = key(&site, &KeyId::parse(form.split('.').next().unwrap()).unwrap()).await;
    let details = &made.details;
    assert_eq!((details.owner.as_str(), made.usage.remaining), ("bob", Some(10_000)));
    assert_eq!((details.rate_limit_max, details.rate_limit_window_ms), (Some(1500), Some(7_200_000)));
    assert_eq!(details.refill_amount.zip(details.refill_every.map(Every::as_str)), Some((500, "month")));
    assert_eq!(details.addresses.allowed.texts().count(), 3);
    assert_eq!(details.permissions.as_ref().unwrap().pairs().count(), 3);
    site.get(&format!("/console/keys/{}", details.id.as_str())).await.has(&[
        "1,500 calls in 2 hours",
        "refilled to 500 calls",
        "files:write",
        "2001:db8::/32",
        "10.1.0.0/16",
    ]);
}

#[tokio::test]
async fn operators_change_what_others_cannot() {
    let configure = |found: &mut Configuration| found.grantable = Some(Permissions::of(&[("files", &["read"])]));
    let site = operated(Setup::configured(configure)).await;
    let new = NewKey {
        name: Some(KeyName::parse("of bob").unwrap()),
        remaining: Field::Given(7),
        permissions: Some(Permissions::of(&[("files", &["read"]), ("users", &["delete"])])),
        ..NewKey::default()
    };
    let id = site.mint("bob", new).await;
    let path = format!("/console/keys/{}", id.as_str());
    let page = site.get(&format!("{path}/edit")).await;
    page.has(&["users:delete</textarea>", "name=\"quota\" value=\"7\"", "name=\"calls\" value=\"10\""]);
    let version = page.hidden("version");
    let unchanged = [
        ("version", &*version),
        ("name", "of bob"),
        ("enabled", "yes"),
        ("permission", "[\"files\",\"read\"]"),
        ("more-permissions", "users:delete"),
        ("limit", "own"),
        ("calls", "10"),
        ("window", "1"),
        ("unit", "day"),
        ("quota-before", "7"),
        ("quota", "7"),
    ];
    let same = site.post(&format!("{path}/edit"), &unchanged).await;
    assert_eq!(same.location(), path, "nothing was changed {}", same.html);
    let changed: Vec<_> = unchanged
        .into_iter()
        .filter(|(name, _)| !["calls", "quota", "more-permissions"].contains(name))
        .chain([("calls", "20"), ("quota", "100"), ("allowed", "10.0.0.0/8")])
        .collect();
    let saved = site.post(&format!("{path}/edit"), &changed).await;
    assert_eq!(saved.location(), format!("{path}?did=saved"), "{}", saved.html);
    let made = key(&site, &id).await;
    assert_eq!((made.details.rate_limit_max, made.usage.remaining), (Some(20), Some(100)));
    let pairs: Vec<_> = made.details.permissions.as_ref().unwrap().pairs().collect();
    assert_eq!(pairs, [("files", "read")]);

    let version = site.get(&format!("{path}/revoke")).await.hidden("version");
    site.post(&format!("{path}/revoke"), &[("version", &*version)]).await;
    assert!(key(&site, &id).await.details.revocation.is_some());
    let page = site.get(&format!("{path}/edit")).await;
    page.has(&["Takes the revocation back."]);
    let version = page.hidden("version");
    let back = changed.iter().map(|(name, value)| match *name {
        "version" => ("version", &*version),
        "quota-before" => ("quota-before", "100"),
        name => (name, *value),
    });
    let back: Vec<_> = back.collect();
    let saved = site.post(&format!("{path}/edit"), &back).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    assert!(key(&site, &id).await.details.revocation.is_none());
}

#[tokio::test]
async fn operators_bring_back_keys_of_others() {
    let site = operated(Setup::configured(|found| found.undelete_ms = 86_400_000)).await;
    let id = site.mint("bob", NewKey::default()).await;
    let path = format!("/console/keys/{}", id.as_str());
    let version = site.get(&format!("{path}/delete")).await.hidden("version");
    assert_eq!(site.post(&format!("{path}/delete"), &[("version", &*version)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.post(&format!("{path}/restore"), &[]).await.location(), format!("{path}?did=restored"));
    site.get(&path).await.has(&["bob"]);
}

#[tokio::test]
async fn the_next_visitor_of_a_browser_is_no_operator() {
    let site = operated(Setup::default()).await;
    let (_, secret) = site.create("mine").await;
    let of_bob = site.mint("bob", NewKey::default()).await;
    site.post("/console/sign-out", &[]).await;
    site.sign_up("eve").await;
    let page = site.get("/console/keys").await;
    page.has(&["No keys yet"]);
    page.lacks(&["Operator"]);
    let path = format!("/console/keys/{}", of_bob.as_str());
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    let used = VerifyKey::of(PlainKey::new(&*secret));
    assert!(site.keys.verify(&Caller::Server, used).await.unwrap().accepted().is_some());
}
