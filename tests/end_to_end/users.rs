//! Users beside running servers: sessions across processes and restarts, and organizations from the command line.

use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::process::{Place, SERVER_KEY, Server, places};

fn request(server: &Server, method: &str, path: &str) -> RequestBuilder {
    let url = format!("http://{}/api/auth/{path}", server.address);
    Client::new().request(method.parse().unwrap(), url)
}

async fn send(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn sign_up(server: &Server, name: &str) -> (StatusCode, Value) {
    let body = json!({ "name": name, "email": format!("{name}@example.com"), "password": "password" });
    send(request(server, "POST", "sign-up/email").json(&body)).await
}

/// Signs a user in, and returns the session cookie.
async fn cookie(server: &Server, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "password": "password" });
    let response = request(server, "POST", "sign-in/email").json(&body).send().await.unwrap();
    let line = response.headers()["set-cookie"].to_str().unwrap();
    line.split(';').next().unwrap().to_owned()
}

async fn user_of(server: &Server, cookie: &str) -> Value {
    send(request(server, "GET", "get-session").header("cookie", cookie)).await.1["user"]["name"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_users_sessions_and_the_secret_that_nobody_gave_them() {
    for place in places().await {
        let place = place.with("KEYMINT__IDENTITY__THROTTLE__MAX_REQUESTS", "0");
        let (one, two) = (place.serve(), place.serve());
        let signed_up = join_all((0..6).map(|turn| sign_up([&one, &two][turn % 2], "ada"))).await;
        let statuses: Vec<_> = signed_up.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5, "{statuses:?}");

        let cookie = cookie(&one, "ada").await;
        assert_eq!(user_of(&two, &cookie).await, "ada");
        drop(one);
        let three = place.serve();
        assert_eq!(user_of(&three, &cookie).await, "ada", "the secret outlives a process");
        let out = request(&two, "POST", "sign-out").header("cookie", &cookie).header("origin", "http://127.0.0.1:8787");
        assert_eq!(send(out).await, (StatusCode::OK, json!({ "success": true })));
        assert_eq!(user_of(&three, &cookie).await, Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_secret_goes_before_the_kept_one() {
    let place = Place::new();
    let kept = place.serve();
    sign_up(&kept, "ada").await;
    let cookie = cookie(&kept, "ada").await;
    let start = |name, value| {
        let mut command = place.command(&[]);
        command.env("KEYMINT_SERVER_KEYS", SERVER_KEY).env(name, value);
        Server::start(command)
    };
    let given = start("KEYMINT_SECRET", "another-secret-of-thirty-two-characters");
    assert_eq!(user_of(&given, &cookie).await, Value::Null);
    assert_eq!(user_of(&start("BETTER_AUTH_SECRET", "short"), &cookie).await, Value::Null);
    assert_eq!(user_of(&kept, &cookie).await, "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_and_joined_from_the_command_line_beside_a_running_server() {
    for place in places().await {
        let place = place
            .with("KEYMINT__API_KEY__0__CONFIG_ID", "default")
            .with("KEYMINT__API_KEY__1", "{ config_id = \"team\", references = \"organization\" }")
            .with("KEYMINT__ORGANIZATION__ROLES__MEMBER", "[\"read\"]");
        let server = place.serve();
        sign_up(&server, "ada").await;
        let bob = sign_up(&server, "bob").await.1["user"]["id"].as_str().unwrap().to_owned();
        let create = ["org", "create", "--name", "Acme", "--slug", "acme", "--creator", "ada@example.com", "--json"];
        let acme = place.json(&create);
        let member = place.json(&["org", "add-member", "acme", &bob, "--json"]);
        assert_eq!((&member["organizationId"], &member["role"]), (&acme["id"], &json!("member")));

        let (ada, bob_cookie) = (cookie(&server, "ada").await, cookie(&server, "bob").await);
        let new_key = |cookie: &str| {
            let body = json!({ "configId": "team", "organizationId": acme["id"], "name": "shared" });
            let request = request(&server, "POST", "api-key/create").header("cookie", cookie);
            send(request.header("origin", "http://127.0.0.1:8787").json(&body))
        };
        let (status, key) = new_key(&ada).await;
        assert_eq!((status.as_u16(), &key["referenceId"]), (200, &acme["id"]));
        assert_eq!(new_key(&bob_cookie).await.1["code"], "INSUFFICIENT_API_KEY_PERMISSIONS");
        let id = acme["id"].as_str().unwrap();
        let list = request(&server, "GET", &format!("api-key/list?organizationId={id}"));
        assert_eq!(send(list.header("cookie", &bob_cookie)).await.1["total"], 1);
        let made = place.json(&["key", "create", "--config-id", "team", "--organization", id, "--json"]);
        assert_eq!(place.json(&["key", "list", "--organization", id, "--json"])["total"], 2);
        let revoked = place.json(&["key", "revoke", made["id"].as_str().unwrap(), "--json"]);
        assert_eq!((&revoked["revokedBy"], &revoked["enabled"]), (&json!("server"), &json!(false)));
        assert!(!server.is_valid(&made).await);

        for (arguments, problem) in [
            (&create[..], "another organization has that slug"),
            (&["org", "add-member", "acme", &bob], "the user is a member already"),
            (&["org", "add-member", "acme", "nobody@example.com"], "there is no user of that id or address"),
            (&["org", "add-member", "nowhere", &bob], "there is no organization of that id or slug"),
            (&["org", "add-member", "acme", &bob, "--role", "a,b"], "--role must be a role's name"),
            (&["org", "create", "--name", "x", "--slug", "A b", "--creator", &bob], "--slug must be 1 to 64"),
        ] {
            let output = place.run(arguments);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && stderr.contains(problem), "{arguments:?}: {stderr}");
        }
    }
}
