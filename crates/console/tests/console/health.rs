//! Findings about keys, and what is done with several at once.

use keymint_domain::ConfigId;
use keymint_domain::key::NewKey;
use keymint_domain::organization::{RoleName, Slug};
use keymint_domain::value::KeyName;
use keymint_service::{Caller, CreateKey};
use regex::Regex;
use reqwest::StatusCode;

use crate::organizations::start;
use crate::support::{NOW, Setup, Shown, Site};

const DAY_MS: u64 = 86_400_000;

fn named(name: &str) -> NewKey {
    NewKey { name: Some(KeyName::parse(name).unwrap()), ..NewKey::default() }
}

/// Returns the values by which the form chooses its keys.
fn choices(shown: &Shown) -> Vec<String> {
    let pattern = Regex::new("name=\"key\" value=\"([^\"]*)\"").unwrap();
    pattern.captures_iter(&shown.html).map(|found| found[1].to_owned()).collect()
}

#[tokio::test]
async fn findings_are_those_of_ones_own_keys_and_of_all_for_operators() {
    let site = Site::signed_in(Setup::default()).await;
    site.get("/console/health").await.has(&["No keys yet"]);
    site.create("mine").await;
    site.mint("bob", named("of bob")).await;
    let own = site.get("/console/health").await;
    own.has(&["Never expires", "1 key", "badge off", "Set an expiry.", "docs/health.md"]);
    own.lacks(&["Examine the next keys"]);
    let keys = site.get("/console/health/never_expires").await;
    keys.has(&["<bdi>mine</bdi>", "1 key examined."]);
    keys.lacks(&["of bob", "name=\"key\"", "Owner"]);
    site.users.make_operator(&Caller::Server, "ada@example.com").await.unwrap();
    site.get("/console/health").await.has(&["2 keys"]);
    site.get("/console/health/never_expires").await.has(&["<bdi>mine</bdi>", "<bdi>of bob</bdi>", "Owner"]);
    site.get("/console/health/leaked").await.has(&["No such key", "Back to the findings"]);
    assert_eq!(site.get("/console/health/other").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.post("/console/health/never_expires", &[]).await.status, StatusCode::NOT_FOUND);
    let odd = site.get(&format!("/console/health?after={}", "%00".repeat(3000))).await;
    assert_eq!(odd.status, StatusCode::OK, "a place that is none is the first one");
}

#[tokio::test]
async fn chosen_keys_are_disabled_or_revoked_as_they_were_shown() {
    let site = Site::signed_in(Setup::default()).await;
    let (first, _) = site.create("<b>first</b>").await;
    let (second, _) = site.create("second").await;
    let (third, _) = site.create("third").await;
    site.clock.set(NOW.plus_millis(2 * DAY_MS));
    let path = "/console/health/never_used";
    site.get(path).await.has(&["No such key"]);
    site.clock.set(NOW.plus_millis(100 * DAY_MS));
    site.forget();
    let signed = site.post("/console/sign-in", &[("email", "ada@example.com"), ("password", "password")]).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER);
    let page = site.get(path).await;
    page.has(&["&#60;b&#62;first&#60;/b&#62;", "3 keys examined.", "<code>never_used</code>", "For good."]);
    let all = choices(&page);
    assert_eq!(all.len(), 3);
    let of = |id: &keymint_domain::KeyId| all.iter().find(|value| value.starts_with(id.as_str())).unwrap().as_str();
    let (first_value, second_value) = (of(&first), of(&second));

    for (form, text) in [
        (vec![("confirm", "never_used"), ("action", "disable")], "Choose a key or more."),
        (vec![("confirm", "never_used"), ("key", first_value)], "Choose what is done with the keys."),
        (vec![("confirm", "never"), ("key", first_value), ("action", "revoke")], "Enter exactly the text"),
        (vec![("confirm", "never_used"), ("key", first_value), ("action", "delete")], "Choose what is done"),
        (
            vec![("confirm", "never_used"), ("key", first_value), ("key", "forged"), ("action", "revoke")],
            "names a key that cannot be",
        ),
        (vec![("confirm", "never_used"), ("key", first_value), ("key", ".x"), ("action", "revoke")], "cannot be"),
    ] {
        let shown = site.post(path, &form).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        shown.has(&[text, "Nothing was changed.", "id=\"key\"", "id=\"action\""]);
    }
    let form = [("confirm", "never_used"), ("action", "disable"), ("key", first_value), ("key", "x.y")];
    let forged = site.post_from("https://evil.example", path, &form).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let done = site.post(path, &form).await;
    done.has(&["1 key was disabled.", "<code>x</code>"]);
    let again = site.post(path, &form).await;
    again.has(&["0 keys were disabled.", "left as they are", first.as_str()]);
    let revoked = [("confirm", "never_used"), ("action", "revoke"), ("key", first_value), ("key", second_value)];
    site.post(path, &revoked).await.has(&["1 key was revoked.", first.as_str()]);
    let state = async |id| {
        let key = site.keys.get(&Caller::Server, id, None).await.unwrap();
        (key.details.enabled, key.details.revocation.is_some())
    };
    assert_eq!(state(&first).await, (false, false));
    assert!(state(&second).await.1);
    assert_eq!(state(&third).await, (true, false));
}

#[tokio::test]
async fn keys_of_others_are_not_changed() {
    let site = Site::operated(Setup::default()).await;
    let of_bob = site.mint("bob", named("of bob")).await;
    site.clock.set(NOW.plus_millis(100 * DAY_MS));
    site.forget();
    site.sign_up("eve").await;
    let value = format!("{}.x", of_bob.as_str());
    let form = [("confirm", "never_used"), ("action", "revoke"), ("key", &*value)];
    site.post("/console/health/never_used", &form).await.has(&["0 keys were revoked."]);
    assert!(site.keys.get(&Caller::Server, &of_bob, None).await.unwrap().details.revocation.is_none());
}

#[tokio::test]
async fn a_key_that_is_refused_is_named_and_the_others_are_changed() {
    let (site, organizations) = start().await;
    let reader = RoleName::parse("reader").unwrap();
    let (name, slug) = (KeyName::parse("Acme").unwrap(), Slug::parse("acme").unwrap());
    let acme = organizations.create(name, slug, "ada@example.com", reader).await.unwrap();
    let request = CreateKey {
        config_id: Some(ConfigId::parse("team").unwrap()),
        owner: None,
        organization: Some(acme.id),
        new: named("ours"),
    };
    let ours = site.keys.create(&Caller::Server, request).await.unwrap().key.details.id.clone();
    let [(first, _), (second, _)] = [site.create("first").await, site.create("second").await];
    // Every form about a key has its version, whoever sees it.
    let ada = site.cookies();
    site.forget();
    site.sign_up("olive").await;
    site.users.make_operator(&Caller::Server, "olive@example.com").await.unwrap();
    let mut form = vec![("confirm", "never_used".to_owned()), ("action", "revoke".to_owned())];
    for id in [&first, &ours, &second] {
        let version = site.get(&format!("/console/keys/{}/revoke", id.as_str())).await.hidden("version");
        form.push(("key", format!("{}.{version}", id.as_str())));
    }
    site.remember(&ada);
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let done = site.post("/console/health/never_used", &form).await;
    assert_eq!(done.status, StatusCode::OK);
    done.has(&["2 keys were revoked.", &format!("<code>{}</code>: you have no right to change it", ours.as_str())]);
    done.lacks(&["Nothing was changed"]);
    for (id, is_revoked) in [(&first, true), (&ours, false), (&second, true)] {
        let key = site.keys.get(&Caller::Server, id, None).await.unwrap();
        assert_eq!(key.details.revocation.is_some(), is_revoked);
    }
}

#[tokio::test]
async fn many_keys_have_several_pages() {
    let site = Site::operated(Setup::default()).await;
    for number in 0..60 {
        site.mint("bob", named(&format!("key {number}"))).await;
    }
    let first = site.get("/console/health/never_expires").await;
    assert_eq!(first.html.matches("class=\"title\"").count(), 50);
    let next = first.html.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let second = site.get(&next).await;
    assert_eq!(second.html.matches("class=\"title\"").count(), 10);
    second.lacks(&["rel=\"next\""]);
    assert!(first.html.len() < 60_000, "{}", first.html.len());
}
