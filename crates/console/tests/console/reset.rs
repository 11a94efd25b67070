//! Choosing another password by a link.

use keymint_service::Caller;
use reqwest::StatusCode;

use crate::claim::join_all;
use crate::support::Site;

async fn reset_link(site: &Site) -> String {
    site.users.make_reset_link(&Caller::Server, "ada@example.com").await.unwrap().unwrap().url("")
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_ends_all_sessions() {
    let site = Site::new();
    site.sign_up("ada").await;
    let before = site.cookies();
    let (link, another) = (reset_link(&site).await, reset_link(&site).await);
    for _ in 0..3 {
        site.get(&link).await.has(&["Choose a new password", "autocomplete=\"new-password\""]);
    }
    assert_eq!(site.get("/console/keys").await.status, StatusCode::OK, "looking ends nothing");
    let short = site.post(&link, &[("password", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    short.has(&["Choose 8 characters or more."]);

    let set = site.post(&link, &[("password", "another password")]).await;
    assert_eq!((set.status, set.location()), (StatusCode::SEE_OTHER, "/console/sign-in?did=password-set"));
    site.get(set.location()).await.has(&["The new password is set"]);
    let old = site.client().get(format!("http://{}/console/keys", site.address)).header("cookie", before);
    assert_eq!(old.send().await.unwrap().status(), StatusCode::SEE_OTHER, "the former session has ended");
    for (password, status) in [("password", StatusCode::UNAUTHORIZED), ("another password", StatusCode::SEE_OTHER)] {
        let form = [("email", "ada@example.com"), ("password", password)];
        assert_eq!(site.post("/console/sign-in", &form).await.status, status);
    }
    for path in [&link, &another] {
        for used in [site.get(path).await, site.post(path, &[("password", "a third password")]).await] {
            assert_eq!(used.status, StatusCode::NOT_FOUND);
            used.has(&["This link sets no password", "ask an operator", "Request <code>"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_resets_at_once_one_wins() {
    let site = Site::new();
    site.sign_up("ada").await;
    let link = reset_link(&site).await;
    let forms: Vec<_> = (0..100).map(|number| format!("password number {number}")).collect();
    let answers = join_all(forms.iter().map(|password| {
        let link = &link;
        let site = &site;
        async move { site.post(link, &[("password", password)]).await }
    }))
    .await;
    let won: Vec<_> = (0..100).filter(|at| answers[*at].status == StatusCode::SEE_OTHER).collect();
    // Hashing is slow: some of them are told that the server is busy, or find the link gone.
    let others = [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
    let lost = answers.iter().filter(|answer| others.contains(&answer.status)).count();
    assert_eq!((won.len(), lost), (1, 99));
    let form = [("email", "ada@example.com"), ("password", &*forms[won[0]])];
    assert_eq!(site.post("/console/sign-in", &form).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_of_another_purpose_sets_no_password() {
    let site = Site::new();
    let claim = site.users.offer_claim().await.unwrap().unwrap().url("").replace("/claim/", "/reset/");
    let portal = site.portal_link("ada", &[]).await.replace("/portal/", "/reset/");
    for path in [claim, portal] {
        assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(site.post(&path, &[("password", "password")]).await.status, StatusCode::NOT_FOUND);
    }
}
