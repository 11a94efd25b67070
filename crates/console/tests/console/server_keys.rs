//! The keys of servers.

use keymint_domain::value::KeyName;
use reqwest::StatusCode;

use crate::support::{ORIGIN_OF_PAGES, Setup, Shown, Site};

#[tokio::test]
async fn a_server_key_is_made_once_and_shown_once() {
    let site = Site::operated(Setup::default()).await;
    let empty = site.get("/console/server-keys").await;
    empty.has(&["No server key", "KEYMINT_SERVER_KEYS", "New server key"]);
    let form = empty.hidden("form");
    let sent = [("form", &*form), ("name", "Shop <b>\u{1f600}</b>")];
    let forged = site.post_from("https://evil.example", "/console/server-keys", &sent).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let shown = site.post("/console/server-keys", &sent).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    assert!(shown.header("cache-control").contains("no-store"));
    shown.has(&["Save the server key", "data-secret-page", "KEYMINT_SERVER_KEY="]);
    let secret = shown.secret();
    assert!(site.server_keys.admit(&secret).await.unwrap());

    let again = site.post("/console/server-keys", &sent).await;
    assert_eq!(again.location(), "/console/server-keys?made=before");
    let list = site.get(again.location()).await;
    list.has(&["Nothing was made now", "Shop &#60;b&#62;\u{1f600}&#60;/b&#62;", "now"]);
    list.lacks(&[&secret, "<b>\u{1f600}", ">Never<"]);
    assert_eq!(site.server_keys.list().await.unwrap().len(), 1);
    let stale = site.post("/console/server-keys", &[("form", "x.1.y"), ("name", "Shop")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let log = site.get_with("/console/audit?type=keymint.server_key.*", "Server key created").await;
    log.has(&["<bdi>you</bdi>", "href=\"/console/server-keys\""]);
}

#[tokio::test]
async fn many_server_keys_have_several_pages() {
    let site = Site::operated(Setup::default()).await;
    for number in 0..120 {
        let name = KeyName::parse(format!("server {number:03}")).unwrap();
        let made = site.server_keys.create(Some(name)).await.unwrap();
        if number < 60 {
            site.server_keys.revoke(&made.key.id).await.unwrap();
        }
        site.clock.advance(1000);
    }
    let names = |shown: &Shown, living: bool| {
        let (first, second) = shown.html.split_once("<details").unwrap_or((&shown.html, ""));
        let part = if living { first } else { second };
        part.matches("<bdi>server ").count()
    };
    let first = site.get("/console/server-keys").await;
    assert_eq!((names(&first, true), names(&first, false)), (50, 50));
    first.has(&["server 119", "server 070", "server 059", "server 010"]);
    assert!(first.html.len() < 60_000, "{}", first.html.len());
    let next: Vec<_> = first.html.split("rel=\"next\" href=\"").skip(1).collect();
    let next: Vec<_> = next.iter().map(|part| part.split('"').next().unwrap().to_owned()).collect();
    let living = site.get(&next[0]).await;
    assert_eq!((names(&living, true), names(&living, false)), (10, 50));
    living.has(&["server 060", "First page"]);
    let revoked = site.get(&next[1]).await;
    assert_eq!((names(&revoked, true), names(&revoked, false)), (50, 10));
    revoked.has(&["<details open>", "server 009", "server 000"]);
    let unknown = site.get("/console/server-keys?after=nobody").await;
    assert_eq!(names(&unknown, true), 50);
}

#[tokio::test]
async fn wrong_names_are_told_beside_their_field() {
    let site = Site::operated(Setup::default()).await;
    let form = site.get("/console/server-keys").await.hidden("form");
    for (name, text) in [("", "Enter a name"), ("\u{202e}pohS", "The name must"), (&*"a".repeat(101), "100 characters")]
    {
        let shown = site.post("/console/server-keys", &[("form", &*form), ("name", name)]).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:.10}");
        shown.has(&[text, "name-problem"]);
        assert_eq!(shown.hidden("form"), form, "the form stays the same one");
    }
    assert!(site.server_keys.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_key_is_revoked_by_its_id() {
    let site = Site::operated(Setup::default()).await;
    let made = site.server_keys.create(None).await.unwrap();
    let id = made.key.id.as_str();
    let path = format!("/console/server-keys/{id}/revoke");
    site.get("/console/server-keys").await.has(&[">Never<", &path]);
    site.get(&path).await.has(&["It was never used.", id]);
    let wrong = site.post(&path, &[("confirm", "yes")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has(&["Enter exactly the text"]);
    let forged = site.post_from("null", &path, &[("confirm", id)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(site.server_keys.admit(made.text.expose()).await.unwrap());
    for _ in 0..2 {
        let done = site.post_from(ORIGIN_OF_PAGES, &path, &[("confirm", id)]).await;
        assert_eq!(done.location(), "/console/server-keys?did=server-key-revoked");
    }
    assert!(!site.server_keys.admit(made.text.expose()).await.unwrap());
    site.get("/console/server-keys?did=server-key-revoked").await.has(&[
        "The server key is revoked.",
        "Revoked server keys",
        "No server key",
    ]);
    site.get(&path).await.has(&["revoked already"]);
    assert_eq!(site.get("/console/server-keys/none/revoke").await.status, StatusCode::NOT_FOUND);
}
