//! Forms that are sent a hundred times at once, and again later: what they do happens once.

use keymint_domain::key::PlainKey;
use keymint_domain::verify::Cost;
use keymint_service::{Caller, VerifyKey};

use crate::claim::join_all;
use crate::support::{Setup, Shown, Site};

/// Sends a form a hundred times at once, and once more. Returns the one answer that has the text; all others have `status`.
async fn race(site: &Site, path: &str, form: &[(&str, &str)], text: &str, status: u16) -> Shown {
    let mut answers = join_all((0..100).map(|_| site.post(path, form))).await;
    answers.push(site.post(path, form).await);
    let (mut firsts, others): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.html.contains(text) || answer.location().contains(text));
    // A crowd may also be told that the server is busy.
    let others: Vec<_> = others.iter().map(|other| other.status.as_u16()).filter(|other| *other != 503).collect();
    assert_eq!(firsts.len(), 1, "{path} {others:?}");
    assert!(others.contains(&status) && others.iter().all(|other| *other == status), "{path} {others:?}");
    firsts.remove(0)
}

#[tokio::test]
async fn a_form_of_a_new_key_makes_one() {
    let site = Site::signed_in(Setup::default()).await;
    let form = site.get("/console/keys/new").await.hidden("form");
    race(&site, "/console/keys/new", &[("form", &form), ("config", "default")], "data-secret-page", 303).await;
    site.get("/console/keys").await.has(&["1–1 of 1"]);
}

#[tokio::test]
async fn a_rotation_makes_one_secret_which_works() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let rotate = format!("/console/keys/{}/rotate", id.as_str());
    for grace in ["now", "3600", "86400"] {
        let page = site.get(&rotate).await;
        let sent = [("version", &*page.hidden("version")), ("grace", grace)];
        let secret = race(&site, &rotate, &sent, "data-secret-page", 409).await.secret();
        // A use would confirm the rotation.
        let look = VerifyKey { cost: Cost(0), ..VerifyKey::of(PlainKey::new(secret)) };
        let verdict = site.keys.verify(&Caller::Server, look).await.unwrap();
        assert!(verdict.accepted().is_some(), "{grace}");
    }
}

#[tokio::test]
async fn two_people_who_rotate_at_once_get_one_secret() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("Deploy").await;
    let rotate = format!("/console/keys/{}/rotate", id.as_str());
    let versions = [site.get(&rotate).await.hidden("version"), site.get(&rotate).await.hidden("version")];
    let sends = (0..100).map(|number| {
        let form = [("version", &*versions[number % 2]), ("grace", ["now", "3600"][number % 2])];
        let (site, rotate) = (&site, &rotate);
        async move { site.post(rotate, &form).await }
    });
    let answers = join_all(sends).await;
    let secrets = answers.iter().filter(|answer| answer.html.contains("data-secret-page"));
    assert_eq!(secrets.count(), 1);
}

#[tokio::test]
async fn forms_of_a_webhook_do_what_they_do_once() {
    let site = Site::operated(Setup::default()).await;
    let new = "/console/webhooks/new";
    let form = site.get(new).await.hidden("form");
    let made = race(&site, new, &[("form", &form), ("url", "https://example.com/")], "data-secret-page", 303).await;
    let path = made.html.split("data-after=\"").nth(1).unwrap().split('"').next().unwrap();

    let secret = format!("{path}/secret");
    let version = site.get(&secret).await.hidden("version");
    race(&site, &secret, &[("version", &version), ("overlap", "0")], "data-secret-page", 409).await;

    let (page, test, replay) = (site.get(path).await, format!("{path}/test"), format!("{path}/replay"));
    let form = page.hidden_of(&test, "form");
    race(&site, &test, &[("form", &form)], "The endpoint answered 204", 409).await;
    let (version, form) = (page.hidden_of(&replay, "version"), page.hidden_of(&replay, "form"));
    let sent = [("version", &*version), ("form", &form), ("from", "2023-11-14")];
    race(&site, &replay, &sent, "did=webhook-replayed", 409).await;
    let again = site.post(&replay, &sent).await;
    again.has(&["This form was sent before", "Nothing was done now", &format!("href=\"{path}\"")]);
    let other = site.post(&test, &[("form", &form)]).await;
    other.has(&["This form is out of date"]);
}

#[tokio::test]
async fn a_form_of_a_server_key_makes_one() {
    let site = Site::operated(Setup::default()).await;
    let form = site.get("/console/server-keys").await.hidden("form");
    race(&site, "/console/server-keys", &[("form", &form), ("name", "Shop")], "data-secret-page", 303).await;
    assert_eq!(site.server_keys.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_form_of_a_link_makes_one() {
    let site = Site::operated(Setup::default()).await;
    let users = site.get("/console/users?user=ada@example.com").await;
    let path = users.location().to_owned();
    let (page, link) = (site.get(&path).await, format!("{path}/reset-link"));
    let form = page.hidden_of(&link, "form");
    race(&site, &link, &[("form", &form)], "data-secret-page", 409).await;
    site.post(&link, &[("form", &page.hidden_of(&link, "form"))]).await.has(&["This form was sent before"]);
}
