//! Every change, over HTTP and on the command line, is one event that says who made it, and from where.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::process::{Place, SERVER_KEY, Server, places};
use crate::stored_events::Stranger;

const SECRET: &str = "hush-in-the-environment-of-32-characters";
const PASSWORD: &str = "a-password-of-ada";
const CLIENT: &str = "198.51.100.7";

/// A test that follows the table of events, change by change.
struct Story {
    place: Place,
    server: Server,
    stranger: Stranger,
    /// The events that were looked at.
    seen: usize,
    /// Texts that no event may hold.
    secrets: Vec<String>,
}

/// The members that an event must have: its kind after `keymint.`, its actor, and its key or owner.
type Expected<'a> = (&'a str, &'a str, &'a Value);

impl Story {
    async fn begin(place: Place) -> Self {
        let place = place
            .with("KEYMINT_SECRET", SECRET)
            .with("KEYMINT__SERVER__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#)
            .with("KEYMINT__IDENTITY__THROTTLE__MAX_REQUESTS", "0")
            .with("KEYMINT__CLEANUP__STEADY_CLOCK_SECONDS", "0")
            .with("KEYMINT__API_KEY__0__ENABLE_SESSION_FOR_API_KEYS", "true")
            .with("KEYMINT__API_KEY__0__ALLOW_KEY_MANAGEMENT", "true");
        let server = place.serve();
        let stranger = Stranger::of(&place).await;
        let secrets = [SECRET, PASSWORD, SERVER_KEY, "a-wrong-password"].map(str::to_owned).to_vec();
        Self { place, server, stranger, seen: 0, secrets }
    }

    /// Sends a request that has `name` as its id, from the client's address.
    async fn send(&mut self, name: &str, request: RequestBuilder) -> (StatusCode, Value) {
        let request = request.header("x-request-id", name).header("x-forwarded-for", CLIENT);
        let response = request.header("origin", "http://127.0.0.1:8787").send().await.unwrap();
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        self.secrets.extend(cookies.iter().filter_map(|cookie| {
            let value = cookie.split(';').next()?.split_once('=')?.1;
            (value.len() > 20).then(|| value.to_owned())
        }));
        for secret in ["key", "token"] {
            self.secrets.extend(body[secret].as_str().filter(|text| text.len() > 20).map(str::to_owned));
        }
        (status, body)
    }

    fn request(&self, path: &str, body: &Value) -> RequestBuilder {
        Client::new().post(self.server.base(path)).json(body)
    }

    /// Changes something as `authorization`, a server, and returns the answer.
    async fn by_server(&mut self, authorization: &str, name: &str, path: &str, body: Value) -> Value {
        let request = self.request(path, &body).bearer_auth(authorization);
        let (status, answer) = self.send(name, request).await;
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
        answer
    }

    /// Changes something with these headers, and returns the answer.
    async fn with(&mut self, headers: &[(&str, &str)], name: &str, path: &str, body: Value) -> Value {
        let request =
            headers.iter().fold(self.request(path, &body), |request, (name, value)| request.header(*name, *value));
        let (status, answer) = self.send(name, request).await;
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
        answer
    }

    /// Returns the events since the last look.
    async fn new_events(&mut self) -> Vec<Value> {
        let events = self.stranger.events().await.split_off(self.seen);
        self.seen += events.len();
        events
    }

    /// Checks the one new event, which the request `name` caused from the client's address.
    async fn told(&mut self, name: &str, expected: Expected<'_>) -> Value {
        let event = self.recorded(name, expected).await;
        assert_eq!((&event["requestId"], &event["personal"]["client"]), (&json!(name), &json!(CLIENT)), "{event}");
        event
    }

    /// Checks the one new event, which no request caused.
    async fn told_without_request(&mut self, name: &str, expected: Expected<'_>) -> Value {
        let event = self.recorded(name, expected).await;
        assert_eq!((&event["requestId"], &event["personal"]["client"]), (&Value::Null, &Value::Null), "{event}");
        event
    }

    async fn recorded(&mut self, name: &str, (kind, actor, about): Expected<'_>) -> Value {
        let events = self.new_events().await;
        let [event] = &events[..] else { panic!("{name}: {events:?}") };
        let found = (event["kind"].as_str().unwrap(), event["actor"].as_str().unwrap());
        assert_eq!(found, (format!("keymint.{kind}").as_str(), actor), "{name}");
        let subject = if event["keyId"].is_null() { &event["owner"] } else { &event["keyId"] };
        assert_eq!(subject, about, "{name}: {event}");
        event.clone()
    }

    async fn told_nothing(&mut self, name: &str) {
        assert_eq!(self.new_events().await, [""; 0], "{name}");
    }

    /// Runs a command that changes something.
    fn command(&mut self, arguments: &[&str]) -> Value {
        let answer = self.place.json(&[arguments, &["--json"]].concat());
        self.secrets.extend(answer["key"].as_str().map(str::to_owned));
        answer
    }

    async fn users(&mut self) -> Ada {
        let user = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
        let request = self.request("sign-up/email", &user);
        let (status, answer) = self.send("sign-up", request).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let id = answer["user"]["id"].clone();
        let ada = format!("user:{}", id.as_str().unwrap());
        let event = self.told("sign-up", ("user.created", &ada, &id)).await;
        assert_eq!(
            (&event["personal"]["name"], &event["personal"]["email"]),
            (&json!("Ada"), &json!("ada@example.com"))
        );

        let sign_in = json!({ "email": "ada@example.com", "password": PASSWORD });
        let request = self.request("sign-in/email", &sign_in);
        let (_, answer) = self.send("sign-in", request).await;
        self.told("sign-in", ("user.signed_in", &ada, &id)).await;
        let token = answer["token"].as_str().unwrap().to_owned();

        for (name, email, about) in
            [("wrong password", "ada@example.com", &id), ("unknown address", "bob@example.com", &Value::Null)]
        {
            let name = name.replace(' ', "-");
            let request = self.request("sign-in/email", &json!({ "email": email, "password": "a-wrong-password" }));
            assert_eq!(self.send(&name, request).await.0, StatusCode::UNAUTHORIZED);
            let event = self.told(&name, ("user.sign_in_refused", "anyone", about)).await;
            assert_eq!(event["data"], json!({ "code": "INVALID_EMAIL_OR_PASSWORD" }));
            assert!(!event.to_string().contains("bob@"), "an address that nobody has is nobody's to keep: {event}");
        }

        let cookie = self.sign_in_for_cookie().await;
        self.told("sign-in", ("user.signed_in", &ada, &id)).await;
        self.with(&[("cookie", &cookie)], "sign-out", "sign-out", json!({})).await;
        self.told("sign-out", ("user.signed_out", &ada, &id)).await;
        self.with(&[("cookie", &cookie)], "sign-out", "sign-out", json!({})).await;
        self.told_nothing("a session that has ended ends no more").await;
        let cookie = self.sign_in_for_cookie().await;
        self.told("sign-in", ("user.signed_in", &ada, &id)).await;
        self.secrets.push(token);
        Ada { id, actor: ada, cookie }
    }

    async fn sign_in_for_cookie(&mut self) -> String {
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let request = self.request("sign-in/email", &body).header("x-request-id", "sign-in");
        let response = request.header("x-forwarded-for", CLIENT).send().await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        self.secrets.push(cookie.split_once('=').unwrap().1.to_owned());
        cookie
    }

    async fn keys_of_a_user(&mut self, ada: &Ada) {
        let cookie = [("cookie", ada.cookie.as_str())];
        let key = self.with(&cookie, "create", "api-key/create", json!({ "name": "first" })).await;
        let (id, text) = (&key["id"], key["key"].as_str().unwrap());
        let event = self.told("create", ("key.created", &ada.actor, id)).await;
        assert_eq!((&event["owner"], &event["personal"]["name"]), (&ada.id, &json!("first")));
        let edit = json!({ "keyId": id, "name": "second" });
        self.with(&cookie, "rename", "api-key/update", edit.clone()).await;
        let event = self.told("rename", ("key.updated", &ada.actor, id)).await;
        assert_eq!(event["data"], json!({ "changed": ["name"], "old": {}, "new": {} }));
        assert_eq!((&event["personal"]["oldName"], &event["personal"]["newName"]), (&json!("first"), &json!("second")));
        self.with(&cookie, "again", "api-key/update", edit).await;
        self.told_nothing("nothing was changed").await;
        for (enabled, kind) in [(false, "key.disabled"), (true, "key.enabled")] {
            self.with(&cookie, kind, "api-key/update", json!({ "keyId": id, "enabled": enabled })).await;
            self.told(kind, (kind, &ada.actor, id)).await;
        }

        let holder = format!("key_session:{}", ada.id.as_str().unwrap());
        let by_key = [("x-api-key", text)];
        let second = self.with(&by_key, "by-key", "api-key/create", json!({})).await;
        self.told("by-key", ("key.created", &holder, &second["id"])).await;
        self.with(&by_key, "by-key", "api-key/revoke", json!({ "id": second["id"] })).await;
        self.told("by-key", ("key.revoked", &holder, &second["id"])).await;
        self.with(&cookie, "twice", "api-key/revoke", json!({ "id": second["id"] })).await;
        self.told_nothing("it was revoked before").await;
        self.with(&cookie, "delete", "api-key/delete", json!({ "keyId": id })).await;
        self.told("delete", ("key.deleted", &ada.actor, id)).await;
        let request = self.request("api-key/delete", &json!({ "keyId": id })).header("cookie", &ada.cookie);
        assert_eq!(self.send("gone", request).await.0, StatusCode::NOT_FOUND);
        self.told_nothing("a request that is refused").await;
    }

    async fn keys_by_servers(&mut self) {
        let server_key = self.command(&["server-key", "create", "--name", "backend"]);
        self.told_without_request("server key", ("server_key.created", &command_line(), &server_key["id"])).await;
        let stored = format!("server_key:{}", server_key["id"].as_str().unwrap());
        let text = server_key["key"].as_str().unwrap().to_owned();
        for (authorization, actor) in [(SERVER_KEY, "server"), (&text, stored.as_str())] {
            let body = json!({ "userId": "bob", "remaining": 2, "refillAmount": 2, "refillInterval": 2_000_000_000 });
            let key = self.by_server(authorization, "create", "api-key/create", body).await;
            self.told("create", ("key.created", actor, &key["id"])).await;
            for kind in ["key.quota_threshold", "key.exhausted"] {
                self.by_server(authorization, "verify", "api-key/verify", json!({ "key": key["key"] })).await;
                let events = self.new_events().await;
                assert!(events.iter().any(|event| event["kind"] == format!("keymint.{kind}")), "{events:?}");
                assert!(events.iter().all(|event| event["actor"] == "keymint" && event["keyId"] == key["id"]));
            }
            self.by_server(authorization, "rotate", "api-key/rotate", json!({ "keyId": key["id"] })).await;
            self.told("rotate", ("key.rotated", actor, &key["id"])).await;
            self.by_server(authorization, "revoke", "api-key/revoke", json!({ "id": key["id"] })).await;
            self.told("revoke", ("key.revoked", actor, &key["id"])).await;
            let restore = json!({ "keyId": key["id"], "enabled": true });
            self.by_server(authorization, "restore", "api-key/update", restore).await;
            self.told("restore", ("key.restored", actor, &key["id"])).await;
            self.expire(&key).await;
            self.by_server(authorization, "all-expired", "api-key/delete-all-expired-api-keys", json!({})).await;
            self.told("all-expired", ("key.deleted", actor, &key["id"])).await;
        }
        self.command(&["server-key", "revoke", server_key["id"].as_str().unwrap()]);
        self.told_without_request("server key", ("server_key.revoked", &command_line(), &server_key["id"])).await;
    }

    async fn expire(&mut self, key: &Value) {
        let id = key["id"].as_str().unwrap();
        let expire = format!(r#"update "apikey" set "expiresAt" = '2020-01-01T00:00:00.000Z' where "id" = '{id}'"#);
        self.stranger.execute(&expire).await;
    }

    async fn commands(&mut self) {
        let cli = command_line();
        let key = self.command(&["key", "create", "--user", "bob", "--remaining", "1"]);
        let id = key["id"].as_str().unwrap();
        self.told_without_request("create", ("key.created", &cli, &key["id"])).await;
        self.command(&["key", "verify", key["key"].as_str().unwrap()]);
        self.told_without_request("verify", ("key.exhausted", "keymint", &key["id"])).await;
        self.command(&["key", "update", id, "--remaining", "7"]);
        let event = self.told_without_request("update", ("key.updated", &cli, &key["id"])).await;
        assert_eq!(
            (&event["data"]["old"], &event["data"]["new"]),
            (&json!({"remaining": 0}), &json!({"remaining": 7}))
        );
        self.command(&["key", "rotate", id]);
        self.told_without_request("rotate", ("key.rotated", &cli, &key["id"])).await;
        self.command(&["key", "rotation", "cancel", id]);
        self.told_without_request("cancel", ("key.rotation_ended", &cli, &key["id"])).await;
        self.command(&["key", "revoke", id]);
        self.told_without_request("revoke", ("key.revoked", &cli, &key["id"])).await;
        self.command(&["key", "delete", id]);
        self.told_without_request("delete", ("key.deleted", &cli, &key["id"])).await;
        let create = ["org", "create", "--name", "Acme", "--slug", "acme", "--creator", "ada@example.com"];
        let acme = self.command(&create);
        self.told_without_request("org", ("organization.created", &cli, &acme["id"])).await;
        let user = json!({ "name": "Bob", "email": "bob@example.com", "password": PASSWORD });
        let request = self.request("sign-up/email", &user);
        let (_, bob) = self.send("bob", request).await;
        self.new_events().await;
        self.command(&["org", "add-member", "acme", bob["user"]["id"].as_str().unwrap()]);
        self.told_without_request("member", ("organization.member_added", &cli, &acme["id"])).await;
        self.command(&["org", "remove-member", "acme", "bob@example.com"]);
        self.told_without_request("member", ("organization.member_removed", &cli, &acme["id"])).await;
        for reading in [&["key", "list"][..], &["server-key", "list"]] {
            self.command(reading);
        }
        for changing_nothing in [&["migrate"][..], &["config", "check"], &["openapi"]] {
            assert!(self.place.run(changing_nothing).status.success());
        }
        self.told_nothing("commands that change nothing").await;
    }

    async fn the_servers_own(&mut self) {
        let expired = self.by_server(SERVER_KEY, "create", "api-key/create", json!({ "userId": "bob" })).await;
        self.told("create", ("key.created", "server", &expired["id"])).await;
        let settings = "[cleanup]\ninterval_seconds = 1\n[server]\nworkers = 7\n";
        self.expire(&expired).await;
        fs::write(self.place.path().join("keymint.toml"), settings).unwrap();
        self.server.reload();
        self.server.has_logged("the configuration was reloaded", 1).await;
        self.server.has_logged("removed dead keys", 1).await;
        let events = self.new_events().await;
        let find = |kind: &str| events.iter().find(|event| event["kind"] == kind).unwrap();
        let reloaded = find("keymint.config.reloaded");
        let data =
            json!({ "changed": ["cleanup.interval_seconds", "server.workers"], "needRestart": ["server.workers"] });
        assert_eq!((&reloaded["data"], &reloaded["actor"]), (&data, &json!("keymint")));
        let removed = find("keymint.key.removed");
        assert_eq!((&removed["keyId"], &removed["actor"]), (&expired["id"], &json!("clean_up")));
        assert_eq!(events.len(), 2, "{events:?}");
    }

    /// Searches all events for all secrets, and for the hashes that the database keeps of them.
    async fn no_event_holds_a_secret(&mut self) {
        for kept in [
            r#"select "key" from "apikey""#,
            r#"select "hash" from "keymint_server_key""#,
            r#"select "password" from "account""#,
            r#"select "token" from "session""#,
            r#"select "secret" from "keymint_secret""#,
        ] {
            let found = self.stranger.ask(kept).await;
            assert!(!found.is_empty() || kept.contains("keymint_secret"), "{kept}");
            self.secrets.extend(found);
        }
        let hashed = |text: &String| URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()));
        let stored: Vec<_> = self.secrets.iter().map(hashed).collect();
        let events: Vec<String> = self.stranger.events().await.iter().map(Value::to_string).collect();
        assert!(events.len() > 30 && self.secrets.len() > 20);
        for secret in self.secrets.iter().chain(&stored) {
            assert!(!events.iter().any(|event| event.contains(secret.as_str())), "{secret}");
        }
    }
}

/// A user, with the cookie of their session.
struct Ada {
    id: Value,
    actor: String,
    cookie: String,
}

/// Returns the actor of commands: the user that this process runs as.
fn command_line() -> String {
    let name = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    format!("cli:{}", String::from_utf8(name).unwrap().trim())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_with_its_actor_its_request_and_its_address() {
    for place in places().await {
        let mut story = Story::begin(place).await;
        let ada = story.users().await;
        story.keys_of_a_user(&ada).await;
        story.keys_by_servers().await;
        story.commands().await;
        story.the_servers_own().await;
        story.no_event_holds_a_secret().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_server_key_is_made_by_keymint_and_nothing_is_recorded_where_it_is_off() {
    for place in places().await {
        let server = Server::start(place.command(&[]));
        let mut stranger = Stranger::of(&place).await;
        let first = async {
            loop {
                let events = stranger.events().await;
                if !events.is_empty() {
                    break events;
                }
            }
        };
        let events = tokio::time::timeout(std::time::Duration::from_mins(1), first).await.unwrap();
        assert_eq!((events.len(), &events[0]["kind"]), (1, &json!("keymint.server_key.created")));
        assert_eq!(events[0]["actor"], "keymint");
        drop(server);
        let place = place.with("KEYMINT__AUDIT__ENABLED", "false");
        let server = place.serve();
        server.create(json!({ "userId": "ada" })).await;
        server.reload();
        server.has_logged("the configuration was reloaded", 1).await;
        place.json(&["key", "create", "--user", "ada", "--json"]);
        assert_eq!(stranger.events().await.len(), 1);
    }
}
