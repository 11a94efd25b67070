//! A user's own account.

use std::num::NonZeroU32;
use std::time::Duration;

use keymint_service::ThrottleOptions;
use reqwest::StatusCode;
use reqwest::header::{COOKIE, ORIGIN, USER_AGENT};

use crate::support::{ORIGIN_OF_PAGES, Setup, Shown, Site};

const DAY_MS: u64 = 86_400_000;
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/17.5 Mobile/15E148 Safari/604.1";

async fn site() -> Site {
    let site = Site::new();
    site.sign_up("ada").await;
    site
}

/// Signs in from another browser, and returns its cookies.
async fn sign_in_elsewhere(site: &Site, user: &str, agent: &str) -> String {
    let email = format!("{user}@example.com");
    let request =
        site.client().post(format!("http://{}/console/sign-in", site.address)).header(ORIGIN, ORIGIN_OF_PAGES);
    let request = request.header(USER_AGENT, agent);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let body = format!("email={email}&password=password&remember=yes");
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let lines = answer.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    lines.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

/// Signs somebody up in another browser, and returns its cookies.
async fn sign_up_elsewhere(site: &Site, user: &str) -> String {
    let own = site.cookies();
    site.forget();
    site.sign_up(user).await;
    let cookies = site.cookies();
    site.remember(&own);
    cookies
}

async fn is_signed_in(site: &Site, cookies: &str) -> bool {
    let request = site.client().get(format!("http://{}/console/keys", site.address)).header(COOKIE, cookies);
    request.send().await.unwrap().status() == StatusCode::OK
}

/// Returns the ids of the sessions that the page offers to end.
fn offered(page: &Shown) -> Vec<String> {
    let parts = page.html.split("name=\"session\" value=\"").skip(1);
    parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_page_leads_to_the_account_and_a_guest_has_none() {
    let site = site().await;
    for path in ["/console/keys", "/console/health", "/console/account"] {
        site.get(path).await.has(&["href=\"/console/account\""]);
    }
    let home = site.enter_portal("ada", &[]).await;
    site.get(&format!("{home}/keys")).await.lacks(&["/console/account"]);
    site.forget();
    let hidden = site.get("/console/account").await;
    assert_eq!(hidden.location(), "/console/sign-in?then=%2Fconsole%2Faccount");
}

#[tokio::test]
async fn a_name_is_changed_and_stands_in_the_head_then() {
    let site = site().await;
    site.get("/console/account").await.has(&["value=\"ada\"", "ada@example.com"]);
    let long = "a".repeat(256);
    for (name, text) in [
        (" ", "Enter your name."),
        ("a\u{200b}b", "Leave out invisible characters."),
        (&*long, "Take 255 characters or fewer."),
    ] {
        let refused = site.post("/console/account/name", &[("name", name)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.has(&[text, "Nothing was changed."]);
    }
    let renamed = site.post("/console/account/name", &[("name", "Ada <Lovelace>")]).await;
    assert_eq!((renamed.status, renamed.location()), (StatusCode::SEE_OTHER, "/console/account?did=renamed"));
    site.get(renamed.location()).await.has(&["Your name is changed.", "value=\"Ada &#60;Lovelace&#62;\""]);
    site.get("/console/keys").await.has(&["Ada &#60;Lovelace&#62;"]);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let site = site().await;
    let (path, elsewhere) = ("/console/account/password", sign_in_elsewhere(&site, "ada", PHONE).await);
    for (form, status, text) in [
        ([("current", ""), ("password", "another password")], 422, "Enter the password that you have now."),
        ([("current", "password"), ("password", "short")], 422, "Choose 8 characters or more."),
        ([("current", "wrong one"), ("password", "another password")], 400, "That is not your password."),
    ] {
        let refused = site.post(path, &form).await;
        assert_eq!(refused.status.as_u16(), status, "{form:?}");
        refused.has(&[text, "Nothing was changed.", "name=\"end-others\" value=\"yes\">"]);
        refused.lacks(&["another password", "wrong one", "value=\"short\""]);
        let ended = [form[0], form[1], ("end-others", "yes")];
        site.post(path, &ended).await.has(&["name=\"end-others\" value=\"yes\" checked"]);
    }
    for page in [site.get("/console/account").await, site.post("/console/account/name", &[("name", "")]).await] {
        page.has(&["name=\"end-others\" value=\"yes\" checked"]);
    }
    let kept = site.post(path, &[("current", "password"), ("password", "another password")]).await;
    assert_eq!((kept.status, kept.location()), (StatusCode::SEE_OTHER, "/console/account?did=password-changed"));
    site.get(kept.location()).await.has(&["The password is changed."]);
    assert!(is_signed_in(&site, &elsewhere).await, "nobody asked to end the others");

    let form = [("current", "another password"), ("password", "a third password"), ("end-others", "yes")];
    assert_eq!(site.post(path, &form).await.status, StatusCode::SEE_OTHER);
    assert!(!is_signed_in(&site, &elsewhere).await);
    assert_eq!(site.get("/console/keys").await.status, StatusCode::OK, "this one goes on");
    site.forget();
    for (password, status) in [("password", 401), ("another password", 401), ("a third password", 303)] {
        let answer = site.post("/console/sign-in", &[("email", "ada@example.com"), ("password", password)]).await;
        assert_eq!(answer.status.as_u16(), status, "{password}");
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_all_others() {
    let site = site().await;
    let phone = sign_in_elsewhere(&site, "ada", PHONE).await;
    let program = sign_in_elsewhere(&site, "ada", "my own <program>").await;
    let page = site.get("/console/account").await;
    page.has(&["This one", "Safari on iPhone", "my own &#60;program&#62;", "127.0.0.1", "Sign out everywhere else"]);
    assert_eq!(offered(&page).len(), 2, "not this one");
    let of_phone = page.html.split("Safari on iPhone").nth(1).unwrap();
    let id = of_phone.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    let ended = site.post("/console/account/sessions/end", &[("session", id)]).await;
    assert_eq!(ended.location(), "/console/account?did=session-ended");
    assert_eq!([is_signed_in(&site, &phone).await, is_signed_in(&site, &program).await], [false, true]);
    site.get(ended.location()).await.lacks(&["Safari on iPhone"]);
    // A second submit, and one of another tab, find what the first one has done.
    assert_eq!(site.post("/console/account/sessions/end", &[("session", id)]).await.status, StatusCode::SEE_OTHER);

    let others = site.post("/console/account/sessions/end-others", &[]).await;
    assert_eq!(others.location(), "/console/account?did=sessions-ended");
    assert!(!is_signed_in(&site, &program).await);
    let alone = site.get(others.location()).await;
    alone.has(&["This one"]);
    alone.lacks(&["Sign out everywhere else</button>"]);
}

#[tokio::test]
async fn nobody_ends_the_session_of_somebody_else() {
    let site = site().await;
    sign_in_elsewhere(&site, "ada", PHONE).await;
    let ids = offered(&site.get("/console/account").await);
    let ada = site.cookies();
    site.forget();
    site.sign_up("bob").await;
    site.get("/console/account").await.lacks(&["Safari on iPhone", "ada@example.com"]);
    for id in &ids {
        site.post("/console/account/sessions/end", &[("session", id)]).await;
    }
    site.post("/console/account/sessions/end-others", &[]).await;
    assert!(is_signed_in(&site, &ada).await);
    site.forget();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_day_after_the_sign_in_the_password_is_asked_for_and_the_rest_works() {
    let site = site().await;
    let phone = sign_in_elsewhere(&site, "ada", PHONE).await;
    let ids = offered(&site.get("/console/account").await);
    site.clock.advance(DAY_MS);
    let page = site.get("/console/account").await;
    page.has(&["You signed in more than a day ago.", "Your password", "Save the name", "Change the password"]);
    page.lacks(&["Safari on iPhone"]);
    let ended = site.post("/console/account/sessions/end", &[("session", &*ids[0])]).await;
    assert_eq!((ended.status, ended.location()), (StatusCode::SEE_OTHER, "/console/account"), "which asks");
    assert!(is_signed_in(&site, &phone).await);
    assert_eq!(site.post("/console/account/name", &[("name", "Ada")]).await.status, StatusCode::SEE_OTHER);

    for (password, status, text) in
        [("", 422, "Enter your password."), ("wrong one", 401, "That is not your password.")]
    {
        let refused = site.post("/console/account/confirm", &[("again", password)]).await;
        assert_eq!(refused.status.as_u16(), status);
        refused.has(&[text]);
    }
    let before = site.cookies();
    let confirmed = site.post("/console/account/confirm", &[("again", "password")]).await;
    assert_eq!((confirmed.status, confirmed.location()), (StatusCode::SEE_OTHER, "/console/account"));
    assert!(!is_signed_in(&site, &before).await, "the new session is in place of the former one");
    let page = site.get("/console/account").await;
    page.has(&["Safari on iPhone", "This one"]);
    assert_eq!(offered(&page), ids);
}

#[tokio::test]
async fn guessing_the_password_is_slowed_down() {
    let most = ThrottleOptions { max_requests: NonZeroU32::new(3).unwrap(), window: Duration::from_mins(1) };
    let site = Site::with(Setup { throttle: Some(most), ..Setup::default() });
    site.sign_up("ada").await;
    let form = [("current", "wrong one"), ("password", "another password")];
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(site.post("/console/account/password", &form).await.status.as_u16());
    }
    assert_eq!(statuses, [400, 400, 429], "the sign-up was the first try");
    site.post("/console/account/confirm", &[("again", "wrong one")]).await.has(&["There were too many tries"]);
}

#[tokio::test]
async fn forms_from_elsewhere_and_links_change_nothing() {
    let site = site().await;
    let phone = sign_in_elsewhere(&site, "ada", PHONE).await;
    for path in ["name", "password", "confirm", "sessions/end", "sessions/end-others", "sessions/end-all"] {
        let path = format!("/console/account/{path}");
        let forged = site.post_from("https://evil.example", &path, &[("name", "Eve")]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(site.get(&path).await.location(), "/console/account");
    }
    assert!(is_signed_in(&site, &phone).await);
    site.get("/console/account").await.has(&["value=\"ada\""]);
}

#[tokio::test]
async fn all_sessions_are_ended_this_one_included() {
    let site = site().await;
    let (phone, own) = (sign_in_elsewhere(&site, "ada", PHONE).await, site.cookies());
    let bob = sign_up_elsewhere(&site, "bob").await;
    let path = "/console/account/sessions/end-all";
    site.get("/console/account").await.has(&[&format!("action=\"{path}\""), "Sign out everywhere, here too"]);
    let ended = site.post(path, &[]).await;
    assert_eq!(ended.location(), "/console/sign-in?did=signed-out-everywhere");
    assert_eq!(site.cookies(), "", "the browser keeps no cookie of it");
    site.get(ended.location()).await.has(&["You are signed out on every device."]);
    for (cookies, lives) in [(&phone, false), (&own, false), (&bob, true)] {
        assert_eq!(is_signed_in(&site, cookies).await, lives);
    }
}

#[tokio::test]
async fn of_many_sessions_the_latest_are_listed() {
    let site = site().await;
    for _ in 0..60 {
        sign_in_elsewhere(&site, "ada", PHONE).await;
    }
    let page = site.get("/console/account").await;
    page.has(&["This one", "And 11 more, whose last use was earlier."]);
    assert_eq!(offered(&page).len(), 49);
}
