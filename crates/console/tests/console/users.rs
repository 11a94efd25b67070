//! Users, for operators.

use keymint_service::Caller;
use reqwest::StatusCode;

use crate::support::Site;

/// A site whose visitor is an operator, and which has another user, whose id is returned.
async fn site() -> (Site, String) {
    let site = Site::new();
    site.sign_up("bob").await;
    site.forget();
    site.sign_up("ada").await;
    site.users.make_operator(&Caller::Server, "ada@example.com").await.unwrap().unwrap();
    let id = id_of(&site, "bob").await;
    (site, id)
}

async fn id_of(site: &Site, name: &str) -> String {
    let found = site.users.find_user(&Caller::Server, &format!("{name}@example.com")).await.unwrap().unwrap();
    found.user.id.as_str().to_owned()
}

async fn signs_in(site: &Site, name: &str, password: &str) -> bool {
    let (before, email) = (site.cookies(), format!("{name}@example.com"));
    site.forget();
    let answer = site.post("/console/sign-in", &[("email", &*email), ("password", password)]).await;
    site.forget();
    site.remember(&before);
    answer.status == StatusCode::SEE_OTHER
}

#[tokio::test]
async fn operators_list_users_page_by_page_and_look_one_up() {
    let (site, id) = site().await;
    let list = site.get("/console/users").await;
    list.has(&["bob@example.com", "ada@example.com", "aria-current=\"page\">Users</a>"]);
    list.lacks(&["Next page"]);
    for asked in [&*id, "bob@example.com", "BOB@example.com"] {
        let found = site.get(&format!("/console/users?user={asked}")).await;
        assert_eq!(found.location(), format!("/console/users/{id}"), "{asked}");
    }
    let missing = site.get("/console/users?user=eve%40example.com").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    missing.has(&["There is no user of that id or address.", "value=\"eve@example.com\""]);
    assert_eq!(site.get("/console/users/nobody").await.status, StatusCode::NOT_FOUND);
    site.get(&format!("/console/users/{id}")).await.has(&["<bdi>bob</bdi>", "not proved", &id, "Make an operator"]);
}

#[tokio::test]
async fn a_page_holds_fifty_users_and_each_is_on_one_of_them() {
    let (site, _) = site().await;
    let context = Caller::Server;
    for number in 0..59 {
        let sign_up = keymint_domain::identity::SignUp {
            name: format!("user {number}"),
            email: keymint_domain::identity::Email::parse(&format!("user-{number}@example.com")).unwrap(),
            password: keymint_domain::identity::Password::new("password"),
            image: None,
        };
        site.users.create_user(&context, sign_up, false).await.unwrap();
    }
    let first = site.get("/console/users").await;
    let rest = first.html.split("rel=\"next\" href=\"").nth(1).unwrap();
    let second = site.get(rest.split('"').next().unwrap()).await;
    let count = |html: &str| html.matches("data-label=\"Address\"").count();
    assert_eq!((count(&first.html), count(&second.html)), (50, 11));
    second.has(&["First page"]);
    second.lacks(&["Next page"]);
    for number in 0..59 {
        let text = format!("<bdi>user-{number}@example.com</bdi>");
        assert!(first.html.contains(&text) != second.html.contains(&text), "{number}");
    }
}

#[tokio::test]
async fn a_ban_ends_sessions_and_is_taken_back() {
    let (site, id) = site().await;
    let path = format!("/console/users/{id}");
    let form = site.get(&format!("{path}/ban")).await;
    form.has(&["For how long", "value=\"forever\" checked", "They are signed out everywhere"]);
    let wrong = site.post(&format!("{path}/ban"), &[("time", "an age")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(signs_in(&site, "bob", "password").await, "nothing was changed");
    for time in ["forever", "week"] {
        let banned = site.post(&format!("{path}/ban"), &[("time", time)]).await;
        assert_eq!(banned.location(), format!("{path}?did=banned"), "{}", banned.html);
        site.get(banned.location()).await.has(&["The user is banned", "End the ban", "badge bad"]);
        assert!(!signs_in(&site, "bob", "password").await);
        let freed = site.post(&format!("{path}/unban"), &[]).await;
        assert_eq!(freed.location(), format!("{path}?did=unbanned"));
        site.get(freed.location()).await.has(&["The ban is over"]);
        assert!(signs_in(&site, "bob", "password").await);
    }
    site.post(&format!("{path}/ban"), &[("time", "day")]).await;
    site.get(&path).await.has(&["ends <time"]);
}

#[tokio::test]
async fn operators_do_not_lock_themselves_out() {
    let (site, _) = site().await;
    let path = format!("/console/users/{}", id_of(&site, "ada").await);
    let page = site.get(&path).await;
    page.has(&["This is you."]);
    page.lacks(&["/ban\""]);
    let refused = site.post(&format!("{path}/ban"), &[("time", "week")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    refused.has(&["You cannot do this to yourself", "value=\"week\" checked"]);
    refused.lacks(&["value=\"forever\" checked"]);
    page.lacks(&["/remove-operator\""]);
    let refused = site.post(&format!("{path}/remove-operator"), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    refused.has(&["You cannot do this to yourself"]);
    assert_eq!(site.get("/console/users").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_operator_makes_another_one() {
    let (site, id) = site().await;
    let path = format!("/console/users/{id}");
    site.get(&format!("{path}/operator")).await.has(&["may do everything that you may do"]);
    let made = site.post(&format!("{path}/operator"), &[]).await;
    assert_eq!(made.location(), format!("{path}?did=operator-made"));
    let page = site.get(made.location()).await;
    page.has(&["is an operator now", "<span class=\"badge plain\">Operator</span>"]);
    page.lacks(&["Make an operator"]);
    site.forget();
    site.post("/console/sign-in", &[("email", "bob@example.com"), ("password", "password")]).await;
    assert_eq!(site.get("/console/users").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_operator_takes_the_place_of_another_back() {
    let (site, id) = site().await;
    let path = format!("/console/users/{id}");
    site.post(&format!("{path}/operator"), &[]).await;
    site.get(&path).await.has(&["/remove-operator\""]);
    site.get(&format!("{path}/remove-operator")).await.has(&["they see their own keys alone"]);
    for _ in 0..2 {
        let removed = site.post(&format!("{path}/remove-operator"), &[]).await;
        assert_eq!(removed.location(), format!("{path}?did=operator-removed"));
        let page = site.get(removed.location()).await;
        page.has(&["is no operator any more", "Make an operator"]);
    }
    site.forget();
    site.post("/console/sign-in", &[("email", "bob@example.com"), ("password", "password")]).await;
    assert_eq!(site.get("/console/users").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_reset_link_is_shown_once_and_sets_a_password() {
    let (site, id) = site().await;
    let link = format!("/console/users/{id}/reset-link");
    let form = site.get(&format!("/console/users/{id}")).await.hidden_of(&link, "form");
    let made = site.post(&link, &[("form", &form)]).await;
    assert_eq!(made.status, StatusCode::OK);
    assert_eq!(made.header("cache-control"), "no-store, private");
    made.has(&["this once", "Whoever has it becomes <bdi>bob@example.com</bdi>"]);
    made.has(&[&format!("data-secret-page data-after=\"/console/users/{id}\"")]);
    let link = made.secret();
    let path = link.strip_prefix("https://keys.example.com").unwrap();
    let set = site.post(path, &[("password", "another password")]).await;
    assert_eq!(set.location(), "/console/sign-in?did=password-set");
    assert!(signs_in(&site, "bob", "another password").await);
}

#[tokio::test]
async fn others_reach_no_page_of_users() {
    let (site, id) = site().await;
    site.forget();
    site.sign_up("eve").await;
    site.get("/console/keys").await.lacks(&["/console/users"]);
    for path in ["", &format!("/{id}"), &format!("/{id}/ban"), &format!("/{id}/operator")] {
        let refused = site.get(&format!("/console/users{path}")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        refused.lacks(&["bob@example.com"]);
    }
    for action in ["ban", "unban", "operator", "remove-operator", "reset-link"] {
        let path = format!("/console/users/{id}/{action}");
        let refused = site.post(&path, &[("time", "forever")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}");
        assert_eq!(site.post_from("https://evil.example", &path, &[]).await.status, StatusCode::FORBIDDEN);
    }
    let found = site.users.find_user(&Caller::Server, &id).await.unwrap().unwrap();
    assert_eq!((found.user.ban, found.is_operator), (None, false));
    assert!(signs_in(&site, "bob", "password").await);
}
