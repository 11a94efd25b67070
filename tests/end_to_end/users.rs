//! Users beside running servers: sessions across processes and restarts, and organizations from the command line.

use std::io::Write as _;
use std::process::{Output, Stdio};

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

/// Runs a command whose standard input is this text.
fn run_with(place: &Place, arguments: &[&str], input: &str) -> Output {
    let mut command = place.command(arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn json_with(place: &Place, arguments: &[&str], input: &str) -> Value {
    let output = run_with(place, arguments, input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn signs_in(server: &Server, name: &str, password: &str) -> StatusCode {
    let body = json!({ "email": format!("{name}@example.com"), "password": password });
    send(request(server, "POST", "sign-in/email").json(&body)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_and_managed_beside_a_running_server() {
    for place in places().await {
        let server = place.serve();
        let create = ["user", "create", "--email", "Ada@example.com", "--name", "Ada", "--verified", "--json"];
        let ada = json_with(&place, &create, "password\n");
        assert_eq!((&ada["email"], &ada["emailVerified"]), (&json!("ada@example.com"), &json!(true)));
        assert_eq!(signs_in(&server, "ada", "password").await, StatusCode::OK);
        let again = run_with(&place, &create, "password\n");
        let said = String::from_utf8(again.stderr).unwrap();
        assert!(!again.status.success() && said.contains("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"), "{said}");
        for (input, code) in [("short\n", "PASSWORD_TOO_SHORT"), ("", "PASSWORD_TOO_SHORT")] {
            let create = ["user", "create", "--email", "eve@example.com", "--name", "Eve"];
            let refused = run_with(&place, &create, input);
            let said = String::from_utf8(refused.stderr).unwrap();
            assert!(!refused.status.success() && said.contains(code), "{said}");
        }

        let session = cookie(&server, "ada").await;
        let set = json_with(&place, &["user", "set-password", "ada@example.com", "--json"], "battery staple\r\n");
        assert_eq!(set["id"], ada["id"]);
        assert_eq!(user_of(&server, &session).await, Value::Null, "the sessions have ended");
        assert_eq!(signs_in(&server, "ada", "password").await, StatusCode::UNAUTHORIZED);
        assert_eq!(signs_in(&server, "ada", "battery staple").await, StatusCode::OK);

        let id = ada["id"].as_str().unwrap();
        for changed in [true, false] {
            let made = place.json(&["user", "make-operator", id, "--json"]);
            assert_eq!(made, json!({ "id": id, "changed": changed }));
        }
        let listed = &place.json(&["user", "list", "--json"])["users"];
        assert_eq!(listed[0]["operator"], true, "{listed}");
        for changed in [true, false] {
            let removed = place.json(&["user", "remove-operator", id, "--json"]);
            assert_eq!(removed, json!({ "id": id, "changed": changed, "operator": false }));
        }
        assert_eq!(place.json(&["user", "make-operator", id, "--json"])["changed"], true);
        let listed = &place.json(&["user", "list", "--json"])["users"];
        assert_eq!((&listed[0]["id"], &listed[0]["operator"]), (&ada["id"], &json!(true)), "{listed}");
        assert_eq!(listed.as_array().unwrap().len(), 1);

        let link = place.json(&["user", "reset-link", "ada@example.com", "--json"]);
        let url = link["url"].as_str().unwrap();
        let token = url.strip_prefix("http://127.0.0.1:8787/console/reset/").unwrap();
        assert_eq!(token.len(), 43);
        for command in ["set-password", "make-operator", "remove-operator", "ban", "unban", "reset-link"] {
            let refused = run_with(&place, &["user", command, "nobody"], "password\n");
            let said = String::from_utf8(refused.stderr).unwrap();
            assert!(!refused.status.success() && said.contains("there is no user of that id or address"), "{said}");
        }
        let refused = place.run(&["user", "ban", id]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains("has no columns for bans"), "{said}");
        let refused = place.run(&["user", "ban", id, "--until", "soon"]);
        assert!(String::from_utf8(refused.stderr).unwrap().contains("--until must be RFC 3339"));
        let log = place.run(&["audit", "list", "--json"]);
        assert!(!String::from_utf8(log.stdout).unwrap().contains(token), "no log has the link");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_claim_that_no_log_has_and_a_later_one_none() {
    let place = Place::new();
    let mut server = place.serve();
    let line = loop {
        let line = server.next_line();
        if line.starts_with("console ") {
            break line;
        }
    };
    let start = format!("http://{}/console/claim/", server.address);
    let token = line.split_once(&start).unwrap().1.split(' ').next().unwrap();
    assert_eq!(token.len(), 43, "{line}");
    assert!(!server.log().contains(token));
    assert_eq!(sign_up(&server, "ada").await.0, StatusCode::OK);
    drop(server);
    let (_, said, _) = {
        let server = place.serve();
        server.terminate();
        server.finish()
    };
    assert!(!said.contains("/console/claim/"), "{said}");
}
