//! The session of a guest of the portal where it does not belong: at other paths, and at the API.

use std::collections::BTreeSet;

use keymint_actix::endpoints::document;
use keymint_actix::guard::LimitFields;
use keymint_actix::openapi::DocumentContext;
use keymint_domain::Policy;
use keymint_domain::key::NewKey;
use keymint_domain::portal::PortalRight;
use keymint_service::Caller;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, ORIGIN};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{ORIGIN_OF_PAGES, Site};

#[tokio::test]
async fn a_session_is_bound_to_its_path_and_is_nothing_to_the_console() {
    let site = Site::new();
    let [one, two] = [enter(&site, "ada").await, enter(&site, "bob").await];
    let [keys_of_one, keys_of_two] = [&one, &two].map(|home| format!("{home}/keys"));
    // The browser keeps both, each at its own path.
    for keys in [&keys_of_one, &keys_of_two] {
        assert_eq!(site.get(keys).await.status, StatusCode::OK);
    }
    assert_eq!(site.get("/console/keys").await.status, StatusCode::SEE_OTHER, "to the sign-in");
    // Elsewhere they open nothing, even if somebody sends them there.
    let [of_one, of_two] = [&one, &two].map(|home| site.cookies_at(home));
    for (path, cookies, status) in [
        (&*keys_of_one, &of_two, StatusCode::UNAUTHORIZED),
        (&*keys_of_two, &of_one, StatusCode::UNAUTHORIZED),
        ("/console/keys", &of_one, StatusCode::SEE_OTHER),
    ] {
        let request = site.client().get(format!("http://{}{path}", site.address)).header(COOKIE, cookies);
        assert_eq!(site.send(request).await.status, status, "{path}");
    }
}

async fn enter(site: &Site, owner: &str) -> String {
    site.enter_portal(owner, &PortalRight::ALL).await
}

#[tokio::test]
async fn a_session_is_nothing_to_the_api() {
    let site = Site::new();
    site.sign_up("carl").await;
    let user = site.cookies();
    let carl = site.users.find_user(&Caller::Server, "carl@example.com").await.unwrap().unwrap();
    let carl = carl.user.id.as_str();
    site.forget();
    let home = enter(&site, carl).await;
    let of_guest = site.cookies_at(&home);
    let policy = Policy::default();
    let context = DocumentContext {
        base_path: "/api/auth",
        policy: &policy,
        verify_is_public: false,
        has_metrics: false,
        limit_fields: LimitFields::default(),
    };
    let document = document(&context);
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    let key = site.mint(carl, NewKey::default()).await;
    // Members of all endpoints, so that a request gets as far as to ask who sends it.
    let body = format!(
        "{{\"keyId\":\"{key}\",\"id\":\"{key}\",\"name\":\"x\",\"key\":\"x\",\"currentPassword\":\"password\",\
         \"newPassword\":\"password\"}}"
    );
    let ask = async |method: &Method, path: &str, name: HeaderName, value: &str| {
        let url = format!("http://{}{}", site.address, path.replace("{id}", key.as_str()));
        let request = site.client().request(method.clone(), url).header(ORIGIN, ORIGIN_OF_PAGES).header(name, value);
        let request = request.header("content-type", "application/json");
        let request = if *method == Method::POST { request.body(body.clone()) } else { request };
        request.send().await.unwrap().status()
    };
    let methods = |methods: &Value| -> Vec<_> {
        let names = methods.as_object().unwrap().keys();
        names.filter_map(|name| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()).collect()
    };
    let asked = paths.iter().flat_map(|(path, at)| methods(at).into_iter().map(move |method| (method, path.as_str())));
    let token = of_guest.split("; ").find_map(|pair| pair.strip_prefix("__Secure-keymint-portal=")).unwrap();
    let [token, other] = [token, &"a".repeat(43)].map(|token| format!("Bearer {token}"));
    let mut without = Vec::new();
    for (method, path) in asked {
        let status = ask(&method, path, COOKIE, "").await;
        assert_eq!(ask(&method, path, COOKIE, &of_guest).await, status, "{method} {path}");
        let unknown = ask(&method, path, AUTHORIZATION, &other).await;
        assert_eq!(ask(&method, path, AUTHORIZATION, &token).await, unknown, "{method} {path}");
        without.push((method, path, status));
    }
    site.keys.get(&Caller::Server, &key, None).await.unwrap();
    // The same requests do something with the session of a user.
    let mut differ = BTreeSet::new();
    for (method, path, status) in without {
        let ends_sessions = ["/sign-out", "/revoke-", "/change-password"].iter().any(|end| path.contains(end));
        if !ends_sessions && ask(&method, path, COOKIE, &user).await != status {
            differ.insert(path);
        }
    }
    assert!(differ.len() > 10, "{differ:?}");
}
