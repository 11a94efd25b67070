//! A database moves from SQLite to Postgres and back, and its server goes on as if it had not.

use serde_json::{Value, json};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, query, query_as};

use crate::process::{Place, Server};
use crate::webhooks::receiver::{Conduct, Receiver};
use crate::webhooks::{MINUTE, allowing, deliveries};

type Sealed = (String, Option<i64>, Option<String>, Option<String>);

/// The part of an event by which the chain is compared.
const EVENTS: &str = r#"select "id", "position", "seal", "personal_hash" from "keymint_event" order by "seq""#;

type Endpoint = (String, String, String, String, i64, i64, String);

/// The part of an endpoint that no command shows, or that decides about its deliveries.
const ENDPOINTS: &str = r#"select "id", "url", "kinds", "secret", "position", "fence", "state" from "keymint_webhook""#;

/// Returns the endpoints and the deliveries of one of them, as commands show them.
fn webhooks(place: &Place, webhook: &Value) -> (Value, Vec<Value>) {
    (place.json(&["webhook", "--json", "list"]), deliveries(place, webhook))
}

/// Makes a key and revokes it, and waits until a receiver is told.
async fn revoke_another(server: &Server, receiver: &Receiver, told: usize) {
    let key = server.create(json!({ "userId": "bob" })).await;
    let (status, _) = server.post("revoke", json!({ "id": key["id"] })).await;
    assert_eq!(status, 200);
    receiver.has_accepted("a", told, MINUTE).await;
}

fn exported(place: &Place) -> Vec<String> {
    let output = place.run(&["export", "--with-hashes"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn moved(from: &str, to: &str, place: &Place) -> String {
    let output = place.run(&["move", "--from", from, "--to", to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(from: &str, to: &str, place: &Place) -> String {
    let output = place.run(&["move", "--from", from, "--to", to]);
    assert!(!output.status.success(), "{from} to {to}");
    String::from_utf8(output.stderr).unwrap()
}

async fn remaining(server: &Server, key: &Value) -> Value {
    let (_, verdict) = server.post("verify", json!({ "key": key["key"] })).await;
    verdict["key"]["remaining"].clone()
}

async fn sign_up(server: &Server) -> Value {
    let client = reqwest::Client::new();
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    let answer = client.post(server.base("sign-up/email")).json(&body).send().await.unwrap();
    answer.json().await.unwrap()
}

async fn session(server: &Server, token: &str) -> Value {
    let client = reqwest::Client::new();
    client.get(server.base("get-session")).bearer_auth(token).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn a_running_servers_database_moves_by_its_backup_and_back_and_nothing_is_lost() {
    let postgres = keymint_test_postgres::database().await;
    let [old, new, back] = [Place::new(), Place::on(&postgres), Place::new()].map(allowing);
    std::fs::write(old.path().join("keymint.toml"), "[[api_key]]\nundelete_days = 1\n").unwrap();
    let server = old.serve();
    let receiver = Receiver::start().await;
    receiver.set("a", Conduct::Fails);
    let webhook = old.json(&["webhook", "--json", "create", &receiver.url("a"), "--kind", "keymint.key.revoked"]);
    let user = sign_up(&server).await;
    let (id, token) = (user["user"]["id"].as_str().unwrap(), user["token"].as_str().unwrap());
    let key = server.create(json!({ "userId": id, "remaining": 10, "name": "ключ 🔑 \"'" })).await;
    let expiring = server.create(json!({ "userId": id, "expiresIn": 864_000, "permissions": { "a": ["b"] } })).await;
    let revoked = server.create(json!({ "userId": "bob" })).await;
    old.json(&["key", "revoke", revoked["id"].as_str().unwrap(), "--json"]);
    let deleted = server.create(json!({ "userId": id, "remaining": 3, "expiresIn": 864_000 })).await;
    assert_eq!(remaining(&server, &deleted).await, 2);
    old.json(&["key", "delete", deleted["id"].as_str().unwrap(), "--json"]);
    for _ in 0..2000 {
        server.create(json!({ "userId": "eve" })).await;
    }
    assert_eq!(remaining(&server, &key).await, 9);
    old.json(&["org", "create", "--name", "Acme", "--slug", "acme", "--creator", id, "--json"]);
    old.json(&["server-key", "create", "--json"]);
    // The sealer and the statistics write in the background.
    while !has_settled(&old).await {}
    while deliveries(&old, &webhook).iter().all(|row| row["attempts"] == 0) {}
    // It would be attempted again in minutes; resuming it is at once.
    old.json(&["webhook", "--json", "pause", webhook["id"].as_str().unwrap()]);
    assert!(old.run(&["backup", "copy.db"]).status.success());
    assert_eq!(remaining(&server, &key).await, 8, "the server runs on beside its backup");
    drop(server);

    let copy = format!("sqlite:{}", old.path().join("copy.db").display());
    let said = moved(&copy, &postgres, &new);
    assert!(said.contains("2003 rows of apikey") && said.contains("moved and compared "), "{said}");
    let copied = Place::on(&copy);
    assert_eq!(exported(&new), exported(&copied));
    assert_eq!(webhooks(&new, &webhook), webhooks(&copied, &webhook));
    let file = SqlitePool::connect(&copy).await.unwrap();
    let endpoints: Vec<Endpoint> = query_as(ENDPOINTS).fetch_all(&file).await.unwrap();
    file.close().await;
    assert_eq!((endpoints.len(), endpoints[0].6.as_str()), (1, "paused"));
    let pool = PgPool::connect(&postgres).await.unwrap();
    assert_eq!(query_as::<_, Endpoint>(ENDPOINTS).fetch_all(&pool).await.unwrap(), endpoints);
    let said = refused(&copy, &postgres, &new);
    assert!(said.contains("the target is not empty: it has 1 rows in account, 2003 rows in apikey"), "{said}");

    let server = new.serve();
    assert_eq!(remaining(&server, &key).await, 8, "one key's quota goes on");
    assert!(server.is_valid(&expiring).await && !server.is_valid(&revoked).await);
    assert_eq!(session(&server, token).await["user"]["email"], "ada@example.com");
    let listed = |place: &Place| place.json(&["key", "list", "--deleted", "--json"]);
    assert_eq!(listed(&new), listed(&copied));
    let later = server.create(json!({ "userId": id })).await;
    receiver.set("a", Conduct::Accepts);
    new.json(&["webhook", "--json", "resume", webhook["id"].as_str().unwrap()]);
    receiver.has_accepted("a", 1, MINUTE).await;
    revoke_another(&server, &receiver, 2).await;
    while deliveries(&new, &webhook).iter().any(|row| row["status"] != "delivered") {}
    server.terminate();
    assert!(server.finish().0);

    let there = format!("sqlite:{}", back.path().join("keymint.db").display());
    moved(&postgres, &there, &back);
    assert_eq!(exported(&back), exported(&new));
    assert_eq!(webhooks(&back, &webhook), webhooks(&new, &webhook));
    assert_eq!(deliveries(&back, &webhook).len(), 2);
    let on_postgres: Vec<Sealed> = query_as(EVENTS).fetch_all(&pool).await.unwrap();
    let file = SqlitePool::connect(&there).await.unwrap();
    let on_sqlite: Vec<Sealed> = query_as(EVENTS).fetch_all(&file).await.unwrap();
    assert_eq!(on_sqlite, on_postgres);
    let endpoints: Vec<Endpoint> = query_as(ENDPOINTS).fetch_all(&pool).await.unwrap();
    assert_eq!(query_as::<_, Endpoint>(ENDPOINTS).fetch_all(&file).await.unwrap(), endpoints);
    assert!(on_sqlite.iter().filter(|event| event.1.is_some()).count() > 2000, "most were sealed");
    let server = back.serve();
    assert_eq!(remaining(&server, &key).await, 7);
    assert!(server.is_valid(&later).await && !server.is_valid(&deleted).await);
    back.json(&["key", "restore", deleted["id"].as_str().unwrap(), "--json"]);
    assert_eq!(remaining(&server, &deleted).await, 1);
    assert_eq!(session(&server, token).await["user"]["email"], "ada@example.com");
    let newest = server.create(json!({ "userId": id })).await;
    assert!(server.is_valid(&newest).await, "events and keys get numbers behind those that were moved");
    revoke_another(&server, &receiver, 3).await;
    let last = receiver.arrivals("a").pop().unwrap();
    assert!(last.is_signed_by(webhook["secret"].as_str().unwrap()));
    assert_eq!(receiver.accepted("a").len(), 3, "nothing is sent twice");
}

/// Returns true if all events are sealed and a use is in the statistics.
async fn has_settled(place: &Place) -> bool {
    let pool = SqlitePool::connect(&format!("sqlite:{}", place.path().join("keymint.db").display())).await.unwrap();
    let settled = r#"select (select count(*) from "keymint_event" where "position" is null) = 0
        and exists (select 1 from "keymint_usage")"#;
    let (settled,): (bool,) = query_as(settled).fetch_one(&pool).await.unwrap();
    pool.close().await;
    settled
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn a_move_that_cannot_keep_everything_is_refused_and_leaves_the_target_empty() {
    let postgres = keymint_test_postgres::database().await;
    let place = Place::new();
    let sqlite = format!("sqlite:{}", place.path().join("keymint.db").display());
    assert!(refused(&sqlite, &postgres, &place).contains("there is no database at "));
    place.json(&["key", "create", "--user", "ada", "--json"]);
    assert!(refused(&sqlite, &sqlite, &place).contains("a move goes from SQLite to Postgres, or back"));
    assert!(refused("mysql://h/d", &postgres, &place).contains("--from must be sqlite:PATH"));
    // One connection: another one could prepare a statement by the columns of before.
    let pool = SqlitePoolOptions::new().max_connections(1).connect(&sqlite).await.unwrap();
    let change = async |statement: &'static str| query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    change(r#"update "apikey" set "remaining" = 3000000000"#).await;
    let said = refused(&sqlite, &postgres, &place);
    assert!(said.contains("apikey.remaining of the row ") && said.contains("larger than the other"), "{said}");
    change(r#"update "apikey" set "remaining" = 3, "expiresAt" = 'soon'"#).await;
    assert!(refused(&sqlite, &postgres, &place).contains("apikey.expiresAt of the row "));
    change(r#"update "apikey" set "expiresAt" = 1770091506000, "enabled" = 1"#).await;
    change(r#"alter table "user" add column "role" text"#).await;
    change(r#"insert into "user" values ('ada', 'Ada', 'a@b.c', 0, null, '2026-02-03', '2026-02-03', 'admin')"#).await;
    let said = refused(&sqlite, &postgres, &place);
    assert!(said.contains("the target lacks the column user.role"), "{said}");
    let target = PgPool::connect(&postgres).await.unwrap();
    let (rows,): (i64,) = query_as(r#"select count(*) from "apikey""#).fetch_one(&target).await.unwrap();
    assert_eq!(rows, 0);
    query(r#"alter table "user" add column "role" text"#).execute(&target).await.unwrap();
    change(r#"create table "others" ("id" text)"#).await;
    change(r#"insert into "others" values ('a')"#).await;
    let output = place.run(&["move", "--from", &sqlite, "--to", &postgres]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("its rows stay behind") && said.contains("others"), "{said}");
    let instants = r#"select "expiresAt"::text from "apikey""#;
    let (expires,): (String,) = query_as(instants).fetch_one(&target).await.unwrap();
    assert!(expires.starts_with("2026-02-03"), "{expires}");
    let server = Place::on(&postgres).serve();
    assert_eq!(server.status_of("/readyz").await, 200);
}
