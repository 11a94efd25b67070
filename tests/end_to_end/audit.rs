//! The log of changes on the command line: listed, exported, followed, checked after every kind of damage, and erased.

use std::process::{Command, Stdio};

use keymint_test_support::markdown;
use keymint_test_support::process::Process;
use serde_json::{Value, json};

use crate::process::{Place, Server, places};
use crate::stored_events::Stranger;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md"));
const SECRET: &str = "hush-in-the-environment-of-32-characters";

/// Runs a command. Returns true if it succeeded, and what it printed.
fn run(place: &Place, arguments: &[&str]) -> (bool, String, String) {
    let output = place.run(arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// Checks the log. Returns true if it is whole, and the lines.
fn verify(place: &Place, more: &[&str]) -> (bool, Vec<String>) {
    let (success, stdout, _) = run(place, &[&["audit", "verify"], more].concat());
    (success, stdout.lines().map(str::to_owned).collect())
}

async fn with_keys(place: Place, count: usize) -> (Place, Stranger, Vec<Value>) {
    let place = place.with("KEYMINT_SECRET", SECRET);
    let server = place.serve();
    let mut keys = Vec::new();
    for number in 0..count {
        keys.push(server.create(json!({ "userId": "ada", "name": format!("key {number}") })).await);
    }
    // Stopped, so that nobody but commands seals.
    server.terminate();
    assert!(server.finish().0);
    let stranger = Stranger::of(&place).await;
    (place, stranger, keys)
}

fn not_the_sealed_one(events: &[Value], position: usize, place: usize) -> String {
    let id = events[place - 1]["id"].as_str().unwrap();
    format!(
        "the event {id} at position {position} is not the one that was sealed there: it was altered, inserted or moved"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_the_stored_log_is_named() {
    for place in places().await {
        let (place, mut stranger, _) = with_keys(place, 6).await;
        let head = run(&place, &["audit", "head"]).1.trim().to_owned();
        assert!(head.starts_with("6:"), "{head}");
        let whole = format!("the log is whole: 6 events; its head is {head}");
        assert_eq!(verify(&place, &[]), (true, vec![whole]));
        let whole = format!("the log is whole: 6 events, and agrees with the exported head; its head is {head}");
        assert_eq!(verify(&place, &["--head", &head]), (true, vec![whole]));
        let events = stranger.events().await;

        let set = |column: &str, value: &str, position: u32| {
            format!(r#"update "keymint_event" set "{column}" = {value} where "position" = {position}"#)
        };
        for (column, value) in [
            ("at", "\"at\" + 1"),
            ("actor", "'user:eve'"),
            ("kind", "'keymint.key.updated'"),
            ("owner", "'eve'"),
            ("data", "'{}'"),
            ("personal_hash", "null"),
        ] {
            stranger.execute(r#"create table "saved" as select * from "keymint_event" where "position" = 2"#).await;
            stranger.execute(&set(column, value, 2)).await;
            assert_eq!(verify(&place, &[]), (false, vec![not_the_sealed_one(&events, 2, 2)]), "{column}");
            let back = format!(r#"(select "{column}" from "saved")"#);
            stranger.execute(&set(column, &back, 2)).await;
            stranger.execute(r#"drop table "saved""#).await;
            assert!(verify(&place, &[]).0, "{column} is as it was");
        }
        let personal = events[2]["personal"].to_string();
        stranger.execute(r#"create table "saved" as select * from "keymint_event" where "position" = 3"#).await;
        stranger.execute(&set("personal", &format!("'{}'", personal.replace("127.0.0.1", "192.0.2.1")), 3)).await;
        let id = events[2]["id"].as_str().unwrap();
        let altered = format!("the personal details of the event {id} at position 3 were altered");
        assert_eq!(verify(&place, &[]), (false, vec![altered]));
        stranger.execute(&set("personal", r#"(select "personal" from "saved")"#, 3)).await;

        let swap = async |stranger: &mut Stranger| {
            for (from, to) in [(2, 1000), (3, 2), (1000, 3)] {
                stranger.execute(&set("position", &to.to_string(), from)).await;
            }
        };
        swap(&mut stranger).await;
        let both = vec![not_the_sealed_one(&events, 2, 3), not_the_sealed_one(&events, 3, 2)];
        // Their seals went with them.
        let (success, lines) = verify(&place, &[]);
        assert!(!success && lines.starts_with(&both), "{lines:?}");
        swap(&mut stranger).await;

        let inserted = r#"insert into "keymint_event" ("id", "at", "kind", "actor", "data", "position", "seal")
            select 'forged', "at", "kind", "actor", "data", 7, "seal" from "keymint_event" where "position" = 6"#;
        stranger.execute(inserted).await;
        let forged =
            "the event forged at position 7 is not the one that was sealed there: it was altered, inserted or moved";
        assert_eq!(verify(&place, &[]), (false, vec![forged.to_owned()]));
        stranger.execute(r#"delete from "keymint_event" where "id" = 'forged'"#).await;
        assert!(verify(&place, &[]).0);

        stranger.execute(r#"delete from "keymint_event" where "position" = 4"#).await;
        let removed = "the events at positions 4 to 4 were removed".to_owned();
        assert_eq!(verify(&place, &[]), (false, vec![removed.clone()]));
        stranger.execute(r#"delete from "keymint_event" where "position" = 6"#).await;
        let cut = "the log ends at position 5 instead of 6".to_owned();
        assert_eq!(verify(&place, &[]), (false, vec![removed.clone(), cut]));
        let seal = events[4]["seal"].as_str().unwrap();
        let shorten = format!(r#"update "keymint_event_chain" set "head_position" = 5, "head_seal" = '{seal}'"#);
        stranger.execute(&shorten).await;
        assert_eq!(verify(&place, &[]), (false, vec![removed.clone()]), "its end alone does not tell");
        let cut = "the log ends at position 5, before the exported head at 6: its end was removed".to_owned();
        assert_eq!(verify(&place, &["--head", &head]), (false, vec![cut, removed]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_log_and_a_start_that_nobody_signed_are_noticed() {
    for place in places().await {
        let (place, mut stranger, _) = with_keys(place, 3).await;
        let head = run(&place, &["audit", "head"]).1.trim().to_owned();
        let other = format!("2:{}", head.split_once(':').unwrap().1);
        let replaced =
            "the event at position 2 is not the one whose seal was exported: the log was replaced or sealed anew";
        assert_eq!(verify(&place, &["--head", &other]), (false, vec![replaced.to_owned()]));
        let seal = stranger.events().await[0]["seal"].as_str().unwrap().to_owned();
        stranger.execute(r#"delete from "keymint_event" where "position" = 1"#).await;
        let begin = format!(r#"update "keymint_event_chain" set "start_position" = 1, "start_seal" = '{seal}'"#);
        stranger.execute(&begin).await;
        let (success, lines) = verify(&place, &[]);
        let start = "the beginning of the log, behind position 1, is not the one that was signed";
        assert!(!success && lines[0] == start, "{lines:?}");
        for wrong in ["", "7", "x:y"] {
            let (success, _, stderr) = run(&place, &["audit", "verify", "--head", wrong]);
            assert!(!success && stderr.contains("--head must be a position, a colon and a seal"), "{stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_secret_is_explained_and_seals_nothing_by_a_command() {
    let (place, mut stranger, _) = with_keys(Place::new(), 4).await;
    assert!(verify(&place, &[]).0);
    let place = place.with("KEYMINT_SECRET", "another-secret-in-the-environment-of-keymint");
    place.json(&["key", "create", "--user", "ada", "--json"]);
    let (success, stdout, stderr) = run(&place, &["audit", "verify"]);
    let explained = "this is how a log looks that was sealed with another secret";
    assert!(!success && stdout.contains(explained) && stderr.contains(explained), "{stdout}{stderr}");
    assert_eq!(stdout.matches("is not the one that was sealed there").count(), 4, "{stdout}");
    let unsealed = |events: &[Value]| events.iter().filter(|event| event["position"].is_null()).count();
    assert_eq!(unsealed(&stranger.events().await), 1, "a wrong secret must not go on with the chain");

    let server = place.serve();
    server.has_logged("the last event of the audit log has no seal of the configured secret", 1).await;
    while unsealed(&stranger.events().await) > 0 {}
    let (success, stdout, _) = run(&place, &["audit", "verify"]);
    assert!(!success && stdout.contains(explained), "{stdout}");
    assert_eq!(
        stdout.matches("is not the one that was sealed there").count(),
        4,
        "the fifth has a seal of its own: {stdout}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_listed_and_exported_in_every_form() {
    for place in places().await {
        let (place, _, keys) = with_keys(place, 5).await;
        let id = keys[1]["id"].as_str().unwrap();
        place.json(&["key", "revoke", id, "--json"]);
        let list = |arguments: &[&str]| place.json(&[&["audit", "list", "--json"], arguments].concat());
        let positions = |page: &Value| {
            page["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["position"].as_u64().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(positions(&list(&[])), [6, 5, 4, 3, 2, 1]);
        let first = list(&["--limit", "4"]);
        let cursor = first["nextCursor"].as_str().unwrap();
        assert_eq!(positions(&list(&["--limit", "4", "--cursor", cursor])), [2, 1]);
        assert_eq!(positions(&list(&["--key", id])), [6, 2]);
        assert_eq!(positions(&list(&["--type", "keymint.key.r*", "--owner", "ada"])), [6]);
        assert_eq!(positions(&list(&["--actor", "server", "--from", "2020-01-01"])), [5, 4, 3, 2, 1]);
        let table = run(&place, &["audit", "list", "--key", id]).1;
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].starts_with("position  time") && lines[1].contains("key.revoked"), "{table}");
        for (arguments, problem) in [
            (&["list", "--limit", "0"][..], "[option.limit] Too small"),
            (&["list", "--from", "2026-02-02", "--to", "2026-02-01"], "[option.to] must be later than from"),
            (&["list", "--type", "Key"], "[option.type] must have 1 to 64 characters"),
            (&["list", "--cursor", "forged"], "INVALID_CURSOR"),
            (&["list", "--key", "a", "--cursor", cursor], "INVALID_CURSOR"),
            (&["export", "--format", "xml"], "[option.format] Invalid option"),
        ] {
            let (success, _, stderr) = run(&place, &[&["audit"], arguments].concat());
            assert!(!success && stderr.contains(problem), "{arguments:?}: {stderr}");
        }

        let export = |arguments: &[&str]| {
            let (success, stdout, _) = run(&place, &[&["audit", "export"], arguments].concat());
            assert!(success);
            stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        };
        let lines = export(&[]);
        let mut newest_first = list(&[])["events"].as_array().unwrap().clone();
        newest_first.reverse();
        assert_eq!(lines, newest_first);
        assert_eq!(export(&["--after", "4"]), lines[4..]);
        assert_eq!(export(&["--key", id]), [lines[1].clone(), lines[5].clone()]);
        let cloud = export(&["--format", "cloudevents"]);
        assert_eq!((cloud.len(), &cloud[5]["data"], &cloud[5]["specversion"]), (6, &lines[5], &json!("1.0")));
        let ocsf = export(&["--format", "ocsf", "--type", "keymint.key.revoked"]);
        assert_eq!((ocsf.len(), &ocsf[0]["type_uid"]), (1, &json!(600_303)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_prints_events_as_they_come() {
    for place in places().await {
        let (place, _, _) = with_keys(place, 2).await;
        let server = place.serve();
        let mut tail = place.command(&["audit", "tail", "--after", "1", "--type", "keymint.key.*"]);
        let mut tail = Process::start(tail.stdout(Stdio::piped()));
        let mut lines = tail.lines();
        let mut next = || serde_json::from_str::<Value>(&lines.next_line()).unwrap();
        assert_eq!(next()["position"], 2);
        let key = server.create(json!({ "userId": "ada" })).await;
        let event = next();
        assert_eq!((&event["position"], &event["keyId"]), (&json!(3), &key["id"]));
    }
}

async fn sign_up(server: &Server) -> Value {
    let body = json!({ "name": "Ada Lovelace", "email": "ada@example.com", "password": "a-long-password" });
    let (status, answer) = server.post("../sign-up/email", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_nowhere_and_the_log_stays_whole() {
    for place in places().await {
        let place = place.with("KEYMINT__SERVER__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#).with("KEYMINT_SECRET", SECRET);
        let server = place.serve();
        let user = sign_up(&server).await;
        let id = user["user"]["id"].as_str().unwrap();
        server.create(json!({ "userId": id, "name": "of Ada Lovelace" })).await;
        assert!(verify(&place, &[]).0);
        let erased = place.json(&["user", "erase", "ada@example.com", "--json"]);
        assert_eq!(erased, json!({ "id": id, "events": 2, "sessions": 1 }));
        let mut stranger = Stranger::of(&place).await;
        let events = stranger.events().await;
        assert!(!json!(events).to_string().contains("Lovelace") && !json!(events).to_string().contains("@example.com"));
        let last = events.last().unwrap();
        assert_eq!((&last["kind"], &last["owner"]), (&json!("keymint.user.erased"), &json!(id)));
        assert_eq!(last["data"], json!({ "events": 2, "sessions": 1 }));
        let row = stranger.ask(r#"select "name" || ' ' || "email" from "user""#).await;
        assert_eq!(row, [format!(" {id}@erased.invalid")]);
        assert_eq!(stranger.ask(r#"select "id" from "session" union all select "id" from "account""#).await, [""; 0]);
        assert!(verify(&place, &[]).0);
        let body = json!({ "email": "ada@example.com", "password": "a-long-password" });
        assert_eq!(server.post("../sign-in/email", body).await.0, 401);
        let (success, _, stderr) = run(&place, &["user", "erase", "ada@example.com"]);
        assert!(!success && stderr.contains("there is no user of that id or address"), "{stderr}");
        assert_eq!(place.json(&["user", "erase", id, "--json"])["events"], 0, "a second time there is nothing left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_commands_run_as_written() {
    let (place, _, keys) = with_keys(Place::new(), 2).await;
    let server = place.serve();
    sign_up(&server).await;
    let earlier = run(&place, &["audit", "head"]).1;
    let keymint = place.command(&[]);
    let folder = std::path::Path::new(keymint.get_program()).parent().unwrap();
    let mut last = String::new();
    let blocks = markdown::blocks(DOCUMENT, "sh");
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("set -e\n{block}")]).current_dir(place.path()).env_clear();
        bash.envs(keymint.get_envs().filter_map(|(name, value)| Some((name, value?))));
        bash.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        bash.env("KEY_ID", keys[0]["id"].as_str().unwrap()).env("EARLIER", earlier.trim());
        let output = bash.output().unwrap();
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
        last = String::from_utf8(output.stdout).unwrap();
    }
    assert!(last.contains("events"), "the last one erases a person: {last}");
    let exported = std::fs::read_to_string(place.path().join("audit.jsonl")).unwrap();
    assert!(exported.lines().count() == 3 && exported.contains("keymint.user.created"), "{exported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_rotation_ended_at_once_does_not_live_again_after_a_restore() {
    let place = Place::new();
    let server = place.serve();
    let [leaked, other] = [
        server.create(json!({ "userId": "ada", "remaining": 9 })).await,
        server.create(json!({ "userId": "bob" })).await,
    ];
    let [id, others] = [&leaked, &other].map(|key| key["id"].as_str().unwrap());
    assert!(place.run(&["backup", "backup.db"]).status.success());
    place.json(&["key", "rotate", id, "--now", "--json"]);
    // This one's former secret was to live on.
    place.json(&["key", "rotate", others, "--json"]);
    assert!(!server.is_valid(&leaked).await && server.is_valid(&other).await);
    let (success, log, _) = run(&place, &["audit", "export"]);
    assert!(success && log.contains("keymint.key.rotated"), "{log}");
    server.terminate();
    assert!(server.finish().0);

    let restored = Place::new();
    std::fs::copy(place.path().join("backup.db"), restored.path().join("keymint.db")).unwrap();
    std::fs::write(restored.path().join("audit.jsonl"), log).unwrap();
    let server = restored.serve();
    assert!(server.is_valid(&leaked).await, "the backup knows nothing of the rotation");
    let row = |now: &str| json!([{ "subject": format!("key {id}"), "withdrawn": "rotated", "now": now }]);
    let reapply = |more: &[&str]| {
        restored.json(&[&["audit", "reapply", "audit.jsonl", "--json"], more].concat())["withdrawn"].clone()
    };
    assert_eq!(reapply(&["--dry-run"]), row("to be rotated"));
    assert!(server.is_valid(&leaked).await);
    assert_eq!(reapply(&[]), row("rotated"));
    assert!(!server.is_valid(&leaked).await && server.is_valid(&other).await);
    let key = restored.json(&["key", "get", id, "--json"]);
    assert_eq!((&key["enabled"], &key["remaining"]), (&json!(true), &json!(7)), "the key itself lives on");
    assert_eq!(reapply(&[]), row("as it was"));
    // Its owner gets a secret by a rotation.
    let rotated = restored.json(&["key", "rotate", id, "--json"]);
    assert!(server.is_valid(&rotated).await && !server.is_valid(&leaked).await);
}
