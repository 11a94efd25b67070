//! Signing in, up and out.

use std::num::NonZeroU32;
use std::time::Duration;

use keymint_service::{IdentityOptions, ThrottleOptions};
use reqwest::StatusCode;

use crate::support::{ORIGIN_OF_PAGES, Setup, Site};

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to_and_then_led_on() {
    let site = Site::new();
    for (path, then) in [("/console", "%2Fconsole"), ("/console/keys?q=a", "%2Fconsole%2Fkeys%3Fq%3Da")] {
        let sent = site.get(path).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, &*format!("/console/sign-in?then={then}")));
    }
    site.sign_up("ada").await;
    assert_eq!(site.get("/console").await.location(), "/console/keys");
    assert_eq!(site.get("/console/sign-in?then=%2Fconsole%2Fkeys%2Fnew").await.location(), "/console/keys/new");

    let out = site.post("/console/sign-out", &[]).await;
    assert_eq!(out.location(), "/console/sign-in?did=signed-out");
    site.get(out.location()).await.has(&["You are signed out."]);
    assert_eq!(site.get("/console/keys").await.status, StatusCode::SEE_OTHER);

    let page = site.get("/console/sign-in?then=%2Fconsole%2Fkeys%2Fnew").await;
    let then = page.hidden("then");
    let form = [("email", "ada@example.com"), ("password", "password"), ("then", &*then)];
    let entered = site.post("/console/sign-in", &form).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/console/keys/new"));
    assert_eq!(site.get("/console/keys").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_that_comes_after_the_session_has_ended_changes_nothing_and_says_so() {
    let site = Site::signed_in(Setup::default()).await;
    let (id, _) = site.create("kept").await;
    let page = format!("/console/keys/{}", id.as_str());
    let version = site.get(&format!("{page}/revoke")).await.hidden("version");
    let signed_in = site.cookies();
    site.forget();
    let paths = [&*format!("{page}/revoke"), &format!("{page}/edit"), "/console/account/name", "/console/users/a/ban"];
    for path in paths {
        let late = site.post(path, &[("version", &*version), ("name", "late")]).await;
        assert_eq!(late.status, StatusCode::SEE_OTHER, "{path}");
        assert!(late.location().ends_with("&did=too-late"), "{}", late.location());
        let told = site.get(late.location()).await;
        told.has(&["Nothing was changed.", "Your session had ended before your form arrived."]);
        let then = format!("value=\"{path}\"");
        told.has(&[&then]);
    }
    site.get("/console/sign-in?then=%2Fconsole").await.lacks(&["Nothing was changed."]);
    site.remember(&signed_in);
    site.get(&page).await.has(&["<bdi>kept</bdi>", "Active"]);
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let site = Site::new();
    site.sign_up("ada").await;
    for then in ["https://evil.example", "//evil.example/console", "/console/../api", "/console\\evil"] {
        let form = [("email", "ada@example.com"), ("password", "password"), ("then", then)];
        assert_eq!(site.post("/console/sign-in", &form).await.location(), "/console/keys", "{then}");
    }
}

#[tokio::test]
async fn problems_stand_beside_their_fields_and_values_are_kept() {
    let site = Site::new();
    site.sign_up("ada").await;
    site.forget();
    let wrong = site.post("/console/sign-in", &[("email", "ada@example.com"), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    wrong.has(&["The address or the password is wrong.", "value=\"ada@example.com\"", "role=\"alert\""]);
    wrong.lacks(&["value=\"wrong\"", "value=\"yes\" checked"]);
    site.get("/console/sign-in").await.has(&["name=\"remember\" value=\"yes\" checked"]);
    let wrong = [("email", "ada@example.com"), ("password", "wrong"), ("remember", "yes")];
    site.post("/console/sign-in", &wrong).await.has(&["name=\"remember\" value=\"yes\" checked"]);
    let unknown = site.post("/console/sign-in", &[("email", "eve@example.com"), ("password", "wrong")]).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    unknown.has(&["The address or the password is wrong."]);
    let empty = site.post("/console/sign-in", &[]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    empty.has(&["Enter your e-mail address.", "id=\"password-problem\"", "aria-describedby=\"email-problem\""]);
    let bad = site.post("/console/sign-in", &[("email", "<script>"), ("password", "p")]).await;
    bad.has(&["Enter a whole address", "value=\"&#60;script&#62;\""]);

    let form = [("name", "\u{202e}eve"), ("email", "eve@example.com"), ("password", "password")];
    site.post("/console/sign-up", &form).await.has(&["Leave out invisible characters."]);
    let form = [("name", "Eve"), ("email", "ada@example.com"), ("password", "another password")];
    let taken = site.post("/console/sign-up", &form).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    taken.has(&["There is an account of this address.", "value=\"Eve\""]);
    site.post("/console/sign-up", &[("password", "short")]).await.has(&["Choose 8 characters or more."]);
}

#[tokio::test]
async fn a_second_submit_of_a_new_account_goes_on_with_the_first_one() {
    let site = Site::new();
    site.get("/console/sign-up").await.has(&["action=\"/console/sign-up\" class=\"stack card\" novalidate data-once"]);
    site.get("/console/sign-in").await.has(&["action=\"/console/sign-in\" class=\"stack card\" novalidate data-once"]);
    let form = [("name", "Ada"), ("email", "ada@example.com"), ("password", "password")];
    for _ in 0..2 {
        // The browser has thrown the first answer away, with its cookies.
        site.forget();
        let made = site.post("/console/sign-up", &form).await;
        assert_eq!((made.status, made.location()), (StatusCode::SEE_OTHER, "/console/keys"));
        assert_eq!(site.get("/console/keys").await.status, StatusCode::OK);
    }
    site.forget();
    let taken = site.post("/console/sign-up", &[form[0], form[1], ("password", "a guess of it")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    taken.has(&["There is an account of this address."]);
    assert_eq!(site.get("/console/keys").await.status, StatusCode::SEE_OTHER, "nobody is signed in");
}

#[tokio::test]
async fn the_form_of_a_new_account_guesses_no_faster_than_the_sign_in() {
    let most = ThrottleOptions { max_requests: NonZeroU32::new(3).unwrap(), window: Duration::from_mins(1) };
    let site = Site::with(Setup { throttle: Some(most), ..Setup::default() });
    site.sign_up("ada").await;
    site.forget();
    let form = [("name", "Ada"), ("email", "ada@example.com"), ("password", "a guess of it")];
    let statuses = [site.post("/console/sign-up", &form).await, site.post("/console/sign-up", &form).await];
    assert_eq!(statuses.map(|shown| shown.status.as_u16()), [422, 429], "a guess is a sign-in, too");
}

#[tokio::test]
async fn a_form_from_elsewhere_signs_nobody_in_or_out() {
    let site = Site::new();
    site.sign_up("ada").await;
    for origin in ["https://evil.example", "null"] {
        let refused = site.post_from(origin, "/console/sign-out", &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{origin}");
        refused.has(&["This form came from an unknown address", "Request <code>"]);
    }
    assert_eq!(site.get("/console/keys").await.status, StatusCode::OK, "still signed in");
    site.forget();
    let form = [("email", "ada@example.com"), ("password", "password")];
    assert_eq!(site.post_from("https://evil.example", "/console/sign-in", &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.post_from(ORIGIN_OF_PAGES, "/console/sign-in", &form).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let most = ThrottleOptions { max_requests: NonZeroU32::new(2).unwrap(), window: Duration::from_mins(1) };
    let site = Site::with(Setup { throttle: Some(most), ..Setup::default() });
    let form = [("email", "ada@example.com"), ("password", "guess")];
    for _ in 0..2 {
        assert_eq!(site.post("/console/sign-in", &form).await.status, StatusCode::UNAUTHORIZED);
    }
    let slowed = site.post("/console/sign-in", &form).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    slowed.has(&["There were too many tries from your network address."]);
}

#[tokio::test]
async fn the_doors_are_open_as_the_configuration_says() {
    let closed = IdentityOptions { sign_up: false, ..IdentityOptions::default() };
    let site = Site::with(Setup { identity: closed, ..Setup::default() });
    site.get("/console/sign-in").await.lacks(&["/console/sign-up"]);
    assert_eq!(site.get("/console/sign-up").await.status, StatusCode::NOT_FOUND);
    let form = [("name", "Eve"), ("email", "eve@example.com"), ("password", "password")];
    assert_eq!(site.post("/console/sign-up", &form).await.status, StatusCode::NOT_FOUND);

    let none = IdentityOptions { email_and_password: false, ..IdentityOptions::default() };
    let site = Site::with(Setup { identity: none, ..Setup::default() });
    let page = site.get("/console/sign-in").await;
    page.has(&["Nobody signs in by a password here."]);
    page.lacks(&["type=\"password\""]);
}
