//! The portal: guests of a team, in its look.

use keymint_console::{Accent, Brand, FrameAncestor, Logo};
use keymint_domain::KeyId;
use keymint_domain::key::NewKey;
use keymint_domain::portal::PortalRight;
use keymint_service::Caller;
use reqwest::StatusCode;
use reqwest::header::ORIGIN;

use crate::claim::join_all;
use crate::support::{ORIGIN_OF_PAGES, Setup, Shown, Site};

const ALL: &[PortalRight] = &PortalRight::ALL;

#[tokio::test]
async fn a_guest_makes_rotates_and_revokes_the_keys_of_one_owner() {
    let site = Site::new();
    let link = site.portal_link("customer-7", ALL).await;
    for _ in 0..3 {
        let page = site.get(&link).await;
        page.has(&["<form method=\"post\"", "data-auto", "<button class=\"primary wide\">Open</button>"]);
        page.lacks(&["https://app.example.com"]);
    }
    let opened = site.post(&link, &[]).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    let home = opened.location().strip_suffix("/keys").unwrap().to_owned();
    let cookie = opened.header("set-cookie");
    let (start, rest) = cookie.split_once('=').unwrap();
    assert_eq!(start, "__Secure-keymint-portal");
    assert!(rest.ends_with(&format!("; Max-Age=3600; Path={home}; HttpOnly; Secure; SameSite=Lax")), "{cookie}");

    let empty = site.get(&format!("{home}/keys")).await;
    empty.has(&[
        "No keys yet",
        "Make the first key",
        "Back to app.example.com",
        "https://app.example.com/settings?tab=keys",
    ]);
    empty.lacks(&["/console/sign-out", "href=\"/console/keys", "Owner"]);
    assert_eq!(site.get(&home).await.location(), format!("{home}/keys"));

    let form = site.get(&format!("{home}/keys/new")).await.hidden("form");
    let made = site.post(&format!("{home}/keys/new"), &[("form", &*form), ("config", "default"), ("name", "CI")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.html);
    made.lacks(&["curl", "KEYMINT_SERVER_KEY"]);
    let (id, secret) = (form.split('.').next().unwrap().to_owned(), made.secret());
    let key = site.keys.get(&Caller::Server, &KeyId::parse(&*id).unwrap(), None).await.unwrap();
    assert_eq!(key.details.owner.as_str(), "customer-7");
    assert!(site.get(&format!("{home}/keys")).await.html.contains(&format!("href=\"{home}/keys/{id}\"")));

    let page = format!("{home}/keys/{id}");
    let shown = site.get(&page).await;
    shown.has(&["Rotate", "Revoke", "Usage", "Made by"]);
    shown.lacks(&["/edit", "/delete", &secret, "Events"]);
    let version = site.get(&format!("{page}/rotate")).await.hidden("version");
    let rotated = site.post(&format!("{page}/rotate"), &[("version", &*version), ("grace", "3600")]).await;
    assert_ne!(rotated.secret(), secret);
    let version = site.get(&format!("{page}/revoke")).await.hidden("version");
    let revoked = site.post(&format!("{page}/revoke"), &[("version", &*version)]).await;
    assert_eq!(revoked.location(), format!("{page}?did=revoked"));
    site.get(revoked.location()).await.has(&["The key is revoked."]);

    let closed = site.post(&format!("{home}/end"), &[]).await;
    closed.has(&["The page is closed", "Back to app.example.com"]);
    assert!(closed.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(site.get(&format!("{home}/keys")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_link_opens_once_within_its_time() {
    let site = Site::new();
    let home = site.enter_portal("ada", &[]).await;
    let (cookies, keys) = (site.cookies(), format!("{home}/keys"));
    let link = site.portal_link("ada", &[]).await;
    site.clock.advance(300_000);
    for path in [&*link, "/console/portal/x", &format!("/console/portal/{}", "a".repeat(43))] {
        for answer in [site.get(path).await, site.post(path, &[]).await] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer.has(&["This link opens nothing", "Go back to the page that led you here", "Request <code>"]);
        }
    }
    assert_eq!(site.get(&keys).await.status, StatusCode::OK);
    site.clock.advance(3_300_000);
    let ended = site.get(&keys).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    ended.has(&["This page has ended", "Request <code>"]);
    ended.lacks(&["/console/keys", "/console/sign-in"]);
    assert_eq!(site.cookies(), cookies, "a cookie that means nothing any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_guests_with_one_link_one_gets_in() {
    let site = Site::new();
    let link = site.portal_link("ada", ALL).await;
    site.get(&link).await;
    let answers = join_all((0..100).map(|_| site.post(&link, &[]))).await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    // A crowd may also be told that the server is busy.
    let others = [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
    let lost = answers.iter().filter(|answer| others.contains(&answer.status)).count();
    assert_eq!((won, lost), (1, 99));
}

#[tokio::test]
async fn cookies_of_other_applications_hide_no_session() {
    let site = Site::new();
    let home = site.enter_portal("ada", &[]).await;
    site.remember(&format!("name=Jörg; broken; {}", site.cookies()));
    assert_eq!(site.get(&format!("{home}/keys")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_without_cookies_uses_no_link_up() {
    let site = Site::new();
    let link = site.portal_link("ada", &[]).await;
    let blocked = site.post(&link, &[]).await;
    assert_eq!(blocked.status, StatusCode::BAD_REQUEST);
    blocked.has(&["Allow cookies of this site", "Request <code>"]);
    let framed = site.client().post(format!("http://{}{link}", site.address)).header(ORIGIN, ORIGIN_OF_PAGES);
    let framed = site.send(framed.header("sec-fetch-dest", "iframe").header("sec-fetch-site", "same-origin")).await;
    framed.has(&["Open in a window", "target=\"_blank\"", &link]);
    site.get(&link).await.has(&["data-auto"]);
    assert_eq!(site.post(&link, &[]).await.status, StatusCode::SEE_OTHER);
}

/// Every page of keys, and the form that each takes.
const PAGES: [(&str, &[(&str, &str)]); 10] = [
    ("", &[]),
    ("/edit", &[("name", "mine")]),
    ("/test", &[]),
    ("/rotate", &[("grace", "now")]),
    ("/rotate/cancel", &[]),
    ("/rotate/finish", &[]),
    ("/revoke", &[]),
    ("/delete", &[]),
    ("/restore", &[]),
    ("/anything", &[]),
];

#[tokio::test]
async fn a_guest_reaches_nobody_elses_key_on_any_page() {
    let site = Site::new();
    let [own, other] = [site.mint("ada", NewKey::default()).await, site.mint("bob", NewKey::default()).await];
    let home = site.enter_portal("ada", ALL).await;
    let before = site.keys.get(&Caller::Server, &other, None).await.unwrap();
    for (page, form) in PAGES {
        let path = format!("{home}/keys/{}{page}", other.as_str());
        let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN, StatusCode::SEE_OTHER];
        let (shown, sent) = (site.get(&path).await, site.post(&path, form).await);
        for answer in [&shown, &sent] {
            assert!(refused.contains(&answer.status), "{path}: {}", answer.status);
            answer.lacks(&["bob"]);
        }
        // To see nothing, a guest may be led to their own list.
        assert!(shown.status != StatusCode::SEE_OTHER || shown.location() == format!("{home}/keys"), "{path}");
        assert_ne!(sent.status, StatusCode::SEE_OTHER, "{path}");
    }
    assert_eq!(site.keys.get(&Caller::Server, &other, None).await.unwrap(), before);
    let list = site.get(&format!("{home}/keys?owner=bob")).await;
    list.has(&[own.as_str()]);
    list.lacks(&[other.as_str()]);
}

#[tokio::test]
async fn what_a_session_may_not_do_is_not_offered_and_refused_if_it_is_sent() {
    let site = Site::new();
    let id = site.mint("ada", NewKey::default()).await;
    let home = site.enter_portal("ada", &[]).await;
    let page = format!("{home}/keys/{}", id.as_str());
    site.get(&format!("{home}/keys")).await.lacks(&["New key", "/new"]);
    let shown = site.get(&page).await;
    shown.lacks(&["/rotate", "/revoke", "/edit", "/delete"]);
    let before = site.keys.get(&Caller::Server, &id, None).await.unwrap();
    assert_eq!(site.get(&format!("{home}/keys/new")).await.status, StatusCode::FORBIDDEN);
    let refused = site.post(&format!("{home}/keys/new"), &[("config", "default"), ("name", "mine")]).await;
    assert!(refused.status == StatusCode::FORBIDDEN || refused.status == StatusCode::CONFLICT, "{}", refused.status);
    for action in ["edit", "rotate", "rotate/cancel", "rotate/finish", "revoke", "delete"] {
        let refused = site.post(&format!("{page}/{action}"), &[("grace", "now")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}");
        refused.has(&["You may not do that here", &format!("href=\"{home}/keys\"")]);
    }
    assert_eq!(site.keys.get(&Caller::Server, &id, None).await.unwrap(), before);

    // A secret that is lost is another key then.
    site.forget();
    let may = site.enter_portal("ada", &[PortalRight::Create]).await;
    let form = site.get(&format!("{may}/keys/new")).await.hidden("form");
    let sent = [("form", &*form), ("config", "default")];
    let made = site.post(&format!("{may}/keys/new"), &sent).await;
    let before = site.post(&format!("{may}/keys/new"), &sent).await;
    for page in [made, site.get(before.location()).await] {
        page.has(&["make another key."]);
        page.lacks(&["rotate the key", "/rotate"]);
    }

    // A form that was shown to a session with more rights is refused by the use case itself.
    site.forget();
    let may = site.enter_portal("ada", ALL).await;
    let form = site.get(&format!("{may}/keys/new")).await.hidden("form");
    site.forget();
    let home = site.enter_portal("ada", &[PortalRight::Revoke]).await;
    let refused = site.post(&format!("{home}/keys/new"), &[("form", &*form), ("config", "default")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_portal_has_the_look_of_its_team_and_is_framed_by_it_alone() {
    let brand = Brand {
        name: "Acme <Keys>".to_owned(),
        logo: Some(Logo::new(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec()).unwrap()),
        accent: Some(Accent::parse("#0b6e4f").unwrap()),
    };
    let frame_ancestors = vec![FrameAncestor::parse("https://app.example.com").unwrap()];
    let site = Site::with(Setup { brand, frame_ancestors, ..Setup::default() });
    let link = site.portal_link("ada", ALL).await;
    let page = site.get(&link).await;
    page.has(&["Acme &#60;Keys&#62;</span>", "· Acme &#60;Keys&#62;</title>"]);
    page.lacks(&["Keymint"]);
    let opened = site.post(&link, &[]).await;
    assert!(opened.header("set-cookie").ends_with("; HttpOnly; Secure; SameSite=None; Partitioned"));
    let keys = site.get(opened.location()).await;
    let ended = site.get("/console/portal/s/x/keys").await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    for framed in [&page, &keys, &ended] {
        assert!(framed.header("content-security-policy").ends_with("frame-ancestors 'self' https://app.example.com"));
        assert_eq!((framed.header("x-frame-options"), framed.header("referrer-policy")), ("", "same-origin"));
        assert_eq!(framed.header("cache-control"), "no-store");
    }
    for path in ["/console/sign-in", "/console/claim/x", "/console/x"] {
        let closed = site.get(path).await;
        assert!(closed.header("content-security-policy").ends_with("frame-ancestors 'none'"), "{path}");
        assert_eq!(closed.header("x-frame-options"), "DENY");
    }
    let [style, logo] = ["brand", "logo"].map(|stem| path_of(&keys, stem));
    site.get(&style).await.has(&["--accent:#0b6e4f"]);
    let logo = site.get(&logo).await;
    assert_eq!(logo.header("content-type"), "image/svg+xml");
    assert!(logo.header("content-security-policy").contains("sandbox"), "a logo runs nothing");
}

fn path_of(page: &Shown, stem: &str) -> String {
    let start = page.html.find(&format!("/console/assets/{stem}.")).unwrap();
    page.html[start..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn without_ancestors_nobody_frames_the_portal() {
    let site = Site::new();
    let page = site.get(&site.portal_link("ada", &[]).await).await;
    assert!(page.header("content-security-policy").ends_with("frame-ancestors 'none'"));
    assert_eq!(page.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing_in_the_portal() {
    let site = Site::new();
    let link = site.portal_link("ada", ALL).await;
    site.get(&link).await;
    assert_eq!(site.post_from("https://app.example.com", &link, &[]).await.status, StatusCode::FORBIDDEN);
    let home = site.enter_portal("ada", ALL).await;
    for path in ["/end", "/keys/new"] {
        let refused = site.post_from("https://evil.example", &format!("{home}{path}"), &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(site.get(&format!("{home}/keys")).await.status, StatusCode::OK);
    }
}
