//! An invoice says what clients were answered: over a month, over a crash, and with two servers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use keymint_test_support::markdown;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::process::{Place, Server, places};

const DOCUMENT: &str = include_str!("../../docs/usage.md");

/// The answers that clients got, by key: accepted calls, their cost, and refusals by code.
type Answers = BTreeMap<String, (u64, u64, BTreeMap<String, u64>)>;

/// Returns the command of the document for the month that `created` is in, and the next one.
fn command(created: &str) -> Vec<String> {
    let command = markdown::blocks(DOCUMENT, "sh").into_iter().find(|block| block.contains("--csv")).unwrap();
    let (year, month) = (created[..4].parse::<u32>().unwrap(), created[5..7].parse::<u32>().unwrap());
    // A test may begin in one month and end in the next one.
    let (to_year, to_month) = if month > 10 { (year + 1, month - 10) } else { (year, month + 2) };
    let command = command.replace("2026-01-01", &format!("{year}-{month:02}-01"));
    let command = command.replace("2026-02-01", &format!("{to_year}-{to_month:02}-01"));
    command.split_whitespace().skip(1).map(str::to_owned).collect()
}

/// Returns the usage of each key, as the document's command prints it.
fn invoice(place: &Place, created: &str) -> Answers {
    let command = command(created);
    let output = place.run(&command.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let header = markdown::blocks(DOCUMENT, "csv")[0].lines().next().unwrap().to_owned();
    assert_eq!(lines.next(), Some(header.as_str()));
    let mut answers = Answers::new();
    for line in lines {
        let fields: Vec<_> = line.split(',').collect();
        let [key, owner, config, _start, _end, accepted, cost, refused, refusals] = fields[..] else {
            panic!("{line}")
        };
        assert!(owner.starts_with("owner-") && config == "default", "{line}");
        let counts = answers.entry(key.to_owned()).or_default();
        counts.0 += accepted.parse::<u64>().unwrap();
        counts.1 += cost.parse::<u64>().unwrap();
        for refusal in refusals.split_whitespace() {
            let (code, calls) = refusal.split_once('=').unwrap();
            *counts.2.entry(code.to_owned()).or_default() += calls.parse::<u64>().unwrap();
        }
        assert_eq!(counts.2.values().sum::<u64>(), refused.parse::<u64>().unwrap(), "{line}");
    }
    answers
}

/// Uses a key, and writes down the answer if there is one. Returns false if there is none.
async fn use_key(server: &Server, key: &Value, cost: u64, answers: &Mutex<Answers>) -> bool {
    let body = json!({ "key": key["key"], "cost": cost });
    let Ok((status, verdict)) = server.try_post("verify", &body).await else { return false };
    assert_eq!(status, 200, "{verdict}");
    let mut answers = answers.lock().await;
    let counts = answers.entry(key["id"].as_str().unwrap().to_owned()).or_default();
    if verdict["valid"] == true {
        counts.0 += 1;
        counts.1 += cost;
    } else {
        *counts.2.entry(verdict["error"]["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    true
}

/// Makes keys of several owners: some with a quota that ends, some without.
async fn make_keys(server: &Server) -> Arc<Vec<Value>> {
    let mut keys = Vec::new();
    for number in 0..6_u32 {
        let mut body = json!({ "userId": format!("owner-{}", number % 3), "rateLimitEnabled": false });
        if number % 2 == 0 {
            body["remaining"] = 40.into();
        }
        keys.push(server.create(body).await);
    }
    Arc::new(keys)
}

fn created(keys: &[Value]) -> &str {
    keys[0]["createdAt"].as_str().unwrap()
}

/// Eight clients use the keys in turn on all servers, until each has had this many answers, or a server is gone.
async fn load(servers: &[Arc<Server>], keys: &Arc<Vec<Value>>, answers: &Arc<Mutex<Answers>>, each: usize) {
    let clients = (0..8_usize).map(|client| {
        let (server, keys, answers) =
            (Arc::clone(&servers[client % servers.len()]), Arc::clone(keys), Arc::clone(answers));
        tokio::spawn(async move {
            for turn in 0..each {
                let key = &keys[(client + turn) % keys.len()];
                if !use_key(&server, key, 1 + (turn % 3) as u64, &answers).await {
                    break;
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

fn stop(server: Arc<Server>) {
    let server = Arc::into_inner(server).unwrap();
    server.terminate();
    let (is_success, _, log) = server.finish();
    assert!(is_success, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_months_csv_is_what_clients_were_answered() {
    for place in places().await {
        let server = Arc::new(place.serve());
        let (keys, answers) = (make_keys(&server).await, Arc::default());
        load(&[Arc::clone(&server)], &keys, &answers, 60).await;
        // What is no use is on no invoice.
        use_key(&server, &keys[1], 0, &Arc::default()).await;
        let dry_run = json!({ "key": keys[1]["key"], "dryRun": true });
        server.post("verify", dry_run).await;
        assert_eq!(server.post("verify", json!({ "key": "unknown" })).await.1["valid"], false);
        // A key that is deleted stays on the invoice.
        assert_eq!(server.post("delete", json!({ "keyId": keys[0]["id"] })).await.0, 200);
        stop(server);
        assert_eq!(invoice(&place, created(&keys)), *answers.lock().await);
        let unknown = place.json(&["usage", "--unknown", "--json"]);
        assert_eq!(unknown["unknown"][0]["calls"], 1, "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_are_on_one_invoice() {
    for place in places().await {
        let servers = [Arc::new(place.serve()), Arc::new(place.serve())];
        let (keys, answers) = (make_keys(&servers[0]).await, Arc::default());
        load(&servers, &keys, &answers, 60).await;
        for server in servers {
            stop(server);
        }
        assert_eq!(invoice(&place, created(&keys)), *answers.lock().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_at_most_the_last_second_is_missing() {
    const CLIENTS: u64 = 8;
    for place in places().await {
        let server = Arc::new(place.serve());
        let (keys, answers) = (make_keys(&server).await, Arc::<Mutex<Answers>>::default());
        let is_loaded = tokio::spawn({
            let (server, keys, answers) = (Arc::clone(&server), Arc::clone(&keys), Arc::clone(&answers));
            async move { load(&[server], &keys, &answers, usize::MAX).await }
        });
        // The answers of each tenth of a second, so that those that are older than the last flush are known.
        let mut history = Vec::new();
        for _ in 0..25 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            history.push(answers.lock().await.clone());
        }
        server.kill();
        is_loaded.await.unwrap();
        let (answered, invoiced) = (answers.lock().await.clone(), invoice(&place, created(&keys)));
        let total = |answers: &Answers| {
            answers.values().map(|(calls, _, refusals)| calls + refusals.values().sum::<u64>()).sum::<u64>()
        };
        // A flush begins a second after the one before, and takes a moment on a busy machine.
        let long_ago = &history[history.len() - 20];
        assert!(total(&invoiced) >= total(long_ago), "{invoiced:?} has less than {long_ago:?}");
        for (key, (calls, ..)) in &invoiced {
            assert!(*calls <= answered[key].0 + CLIENTS, "{key}: more than was answered, and was under way");
        }
        // The next start adds nothing of it a second time.
        drop(Arc::into_inner(server));
        let server = Arc::new(place.serve());
        assert!(use_key(&server, &keys[1], 1, &Arc::default()).await);
        stop(server);
        assert_eq!(total(&invoice(&place, created(&keys))), total(&invoiced) + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_uses_of_many_keys_come_from_the_journal() {
    const KEYS: usize = 400;
    for place in places().await {
        let server = Arc::new(place.serve());
        let made = (0..KEYS).map(|number| {
            let server = Arc::clone(&server);
            async move { server.create(json!({ "userId": format!("owner-{number}") })).await }
        });
        let (keys, answers) = (join_all(made).await, Arc::<Mutex<Answers>>::default());
        let used = keys.iter().map(|key| use_key(&server, key, 2, &answers));
        assert!(join_all(used).await.into_iter().all(|is_answered| is_answered));
        tokio::time::sleep(Duration::from_secs(3)).await;
        server.kill();
        drop(Arc::into_inner(server));
        let server = Arc::new(place.serve());
        let answered = answers.lock().await.clone();
        // Half a minute, on a machine that has nothing else to do.
        for _ in 0..180 {
            if invoice(&place, created(&keys)) == answered {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(use_key(&server, &keys[1], 2, &answers).await);
        stop(server);
        assert_eq!(invoice(&place, created(&keys)), *answers.lock().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_shown_as_a_table_and_as_json_and_wrong_windows_are_refused() {
    let place = Place::new();
    let server = Arc::new(place.serve());
    let keys = make_keys(&server).await;
    assert!(use_key(&server, &keys[1], 3, &Arc::default()).await);
    stop(server);
    let id = keys[1]["id"].as_str().unwrap();
    let report = place.json(&["usage", "--key", id, "--json"]);
    assert_eq!((&report["totals"]["cost"], &report["step"]), (&json!(3), &json!("day")));
    assert!(report["lastUsedAt"].is_string() && report["lastNetwork"].is_null(), "{report}");
    let by_key = place.json(&["usage", "--user", "owner-1", "--by-key", "--json"]);
    let rows = by_key["keys"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["keyId"], &rows[0]["refusals"]), (1, &json!(id), &json!({})));
    let table = place.run(&["usage", "--step", "month"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.starts_with("start ") && table.lines().next().unwrap().ends_with("refusals"), "{table}");
    for (arguments, problem) in [
        (&["--from", "2026-02-01", "--to", "2026-01-01"][..], "[option.to] must be later than from"),
        (&["--from", "1999-01-01"], "[option.to] must be at most 1000 steps after from"),
        (&["--from", "soon"], "[option.from] Invalid date-time: must be RFC 3339, or a date"),
        (&["--step", "week"], "[option.step] Invalid option: expected one of \"hour\"|\"day\"|\"month\""),
        (
            &["--step", "hour", "--from", "2020-01-01", "--to", "2020-01-02"],
            "[option.from] must be within the last 35 days",
        ),
        (&["--key", "missing"], "KEY_NOT_FOUND"),
    ] {
        let output = place.run(&[&["usage"], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(problem), "{arguments:?}: {said}");
    }
}
