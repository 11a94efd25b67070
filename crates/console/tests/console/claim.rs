//! Becoming the first operator.

use std::num::NonZeroU32;
use std::time::Duration;

use keymint_service::{IdentityOptions, ThrottleOptions};
use reqwest::StatusCode;
use reqwest::header::{COOKIE, ORIGIN};

use crate::support::{ORIGIN_OF_PAGES, Setup, Site};

async fn claim_link(site: &Site) -> String {
    site.users.offer_claim().await.unwrap().unwrap().url("")
}

const FORM: [(&str, &str); 3] = [("name", "Ada"), ("email", "ada@example.com"), ("password", "password")];

#[tokio::test]
async fn the_first_operator_claims_by_a_form_and_is_led_to_their_first_key() {
    // Whether anyone may sign up makes no difference.
    let identity = IdentityOptions { sign_up: false, ..IdentityOptions::default() };
    let site = Site::with(Setup { identity, ..Setup::default() });
    let link = claim_link(&site).await;
    for _ in 0..3 {
        site.get(&link).await.has(&["Become the operator of this Keymint", "Make my account"]);
    }
    let wrong = site.post(&link, &[("name", "Ada"), ("email", "ada"), ("password", "short")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has(&["Enter a whole address", "Choose 8 characters or more.", "value=\"Ada\""]);
    wrong.lacks(&["value=\"short\""]);

    let claimed = site.post(&link, &FORM).await;
    assert_eq!((claimed.status, claimed.location()), (StatusCode::SEE_OTHER, "/console/keys?did=claimed"));
    let first = site.get(claimed.location()).await;
    first.has(&["Welcome. You are an operator", "Make the first key", "<span class=\"badge plain\">Operator</span>"]);

    // A second submit finds what the first one has done, whether its answer has reached the browser or not.
    for is_known in [true, false] {
        if !is_known {
            site.forget();
        }
        assert_eq!(site.post(&link, &FORM).await.location(), "/console/keys?did=claimed", "{is_known}");
        site.get("/console/keys").await.has(&["<span class=\"badge plain\">Operator</span>"]);
    }
    site.forget();
    let guess = [FORM[0], FORM[1], ("password", "another password")];
    for used in [site.get(&link).await, site.post(&link, &guess).await] {
        assert_eq!(used.status, StatusCode::NOT_FOUND);
        used.has(&["This link makes nobody an operator", "keymint user make-operator", "restart Keymint"]);
    }
}

#[tokio::test]
async fn whoever_is_signed_in_claims_by_one_button() {
    let site = Site::new();
    let link = claim_link(&site).await;
    site.sign_up("ada").await;
    let page = site.get(&link).await;
    page.has(&["ada@example.com", "Become the operator</button>"]);
    page.lacks(&["type=\"password\""]);
    assert_eq!(site.post(&link, &[]).await.location(), "/console/keys?did=claimed");
    site.get("/console/keys").await.has(&["<span class=\"badge plain\">Operator</span>"]);
}

#[tokio::test]
async fn a_forged_or_old_link_says_what_to_do() {
    let site = Site::new();
    let link = claim_link(&site).await;
    let portal = site.portal_link("ada", &[]).await.replace("/portal/", "/claim/");
    site.clock.advance(3_600_000);
    for path in [&*link, &portal, "/console/claim/x", &format!("/console/claim/{}", "a".repeat(43))] {
        for answer in [site.get(path).await, site.post(path, &FORM).await] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer.has(&["keymint user make-operator", "Request <code>"]);
        }
    }
    assert_eq!(site.get("/console/keys").await.status, StatusCode::SEE_OTHER, "nobody is signed in");
}

#[tokio::test]
async fn a_claim_from_elsewhere_is_refused_and_uses_nothing_up() {
    let site = Site::new();
    let link = claim_link(&site).await;
    assert_eq!(site.post_from("https://evil.example", &link, &FORM).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.post_from(ORIGIN_OF_PAGES, &link, &FORM).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_claims_at_once_one_wins() {
    let site = Site::new();
    let link = claim_link(&site).await;
    let mut people = Vec::new();
    for name in ["ada", "bob"] {
        site.forget();
        site.sign_up(name).await;
        people.push(site.cookies());
    }
    site.forget();
    let claims = (0..100).map(|at| {
        let request = site.client().post(format!("http://{}{link}", site.address)).header(ORIGIN, ORIGIN_OF_PAGES);
        site.send(request.header(COOKIE, &people[at % 2]))
    });
    let answers = join_all(claims).await;
    // A crowd may also be told that the server is busy.
    let statuses = |of: usize| {
        let own = answers.iter().skip(of).step_by(2).map(|answer| answer.status);
        let mut known: Vec<_> = own.filter(|status| *status != StatusCode::SERVICE_UNAVAILABLE).collect();
        known.sort_unstable();
        known.dedup();
        known
    };
    let mut all = [statuses(0), statuses(1)];
    all.sort_unstable();
    assert_eq!(all, [[StatusCode::SEE_OTHER], [StatusCode::NOT_FOUND]]);
    let mut operators = 0;
    for cookies in &people {
        site.remember(cookies);
        let page = site.get("/console/keys").await;
        operators += page.html.matches("<span class=\"badge plain\">Operator</span>").count();
    }
    assert_eq!(operators, 1);
}

#[tokio::test]
async fn whoever_has_an_account_claims_by_its_password() {
    let site = Site::new();
    let link = claim_link(&site).await;
    site.sign_up("ada").await;
    site.forget();
    let wrong = site.post(&link, &[FORM[0], FORM[1], ("password", "another password")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has(&["There is an account of this address."]);
    assert_eq!(site.post(&link, &FORM).await.location(), link);
    site.get(&link).await.has(&["ada@example.com", "Become the operator</button>"]);
}

pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    use std::pin::Pin;
    use std::task::Poll;
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in &mut waiting {
            if output.is_none()
                && let Poll::Ready(ready) = Pin::as_mut(future).poll(context)
            {
                *output = Some(ready);
            }
        }
        if waiting.iter().any(|(_, output)| output.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(waiting.iter_mut().filter_map(|(_, output)| output.take()).collect())
    })
    .await
}

#[tokio::test]
async fn guessing_links_is_slowed_down_and_real_ones_are_not() {
    let most = ThrottleOptions { max_requests: NonZeroU32::new(2).unwrap(), window: Duration::from_mins(1) };
    let site = Site::with(Setup { throttle: Some(most), ..Setup::default() });
    let links = [claim_link(&site).await, site.portal_link("ada", &[]).await];
    for link in &links {
        for _ in 0..5 {
            assert_eq!(site.get(link).await.status, StatusCode::OK);
        }
    }
    let guess = "a".repeat(43);
    let guesses = ["claim", "reset", "portal", "claim"].map(|purpose| format!("/console/{purpose}/{guess}"));
    let mut statuses = Vec::new();
    for path in &guesses {
        statuses.push(site.get(path).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 404, 429, 429]);
    let slowed = site.post(&guesses[1], &[("password", "password")]).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    slowed.has(&["There were too many tries from your network address."]);
    assert_eq!(site.post(&links[1], &[]).await.status, StatusCode::SEE_OTHER, "whoever has a link gets in");
}
