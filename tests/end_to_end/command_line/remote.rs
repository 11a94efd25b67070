//! `keymint key --url`: the same commands on a server elsewhere.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use crate::process::{Place, SERVER_KEY, Server};

/// A server, and a folder without a database from which it is asked.
struct Elsewhere {
    laptop: Place,
    _server: Server,
}

impl Elsewhere {
    fn of(at: &Place) -> Self {
        let server = at.serve();
        let url = format!("http://{}", server.address);
        let laptop = Place::new().with("KEYMINT_URL", &url).with("KEYMINT_SERVER_KEY", SERVER_KEY);
        Self { laptop, _server: server }
    }
}

/// Returns a place with a configuration that lets every command do something.
fn place() -> Place {
    let place = Place::new();
    let config = "[[api_key]]\nenable_metadata = true\nundelete_days = 7\nrotation.grace_seconds = \"1h\"\n";
    std::fs::write(place.path().join("keymint.toml"), config).unwrap();
    place
}

/// Returns what a command printed and its status, without what differs for every key and instant.
fn shown(output: &Output, id: &str, secret: &str) -> (Option<i32>, String, String) {
    let instants = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").unwrap();
    let by = Regex::new(r"\b(cli:[\w-]+|server)\b *").unwrap();
    let plain = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace(id, "ID").replace(secret, "SECRET");
        let text = text.replace(&secret[..6], "START!");
        instants.replace_all(&by.replace_all(&text, "BY "), "AT").into_owned()
    };
    (output.status.code(), plain(&output.stdout), plain(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_the_same_on_a_database_and_on_a_server() {
    let (database, served) = (place(), place());
    let elsewhere = Elsewhere::of(&served);
    let create = [
        "key",
        "create",
        "--user",
        "ada",
        "--name",
        "first",
        "--prefix",
        "sk_",
        "--expires-in",
        "30d",
        "--remaining",
        "9",
        "--refill-amount",
        "9",
        "--refill-every",
        "week",
        "--rate-limit-max",
        "7",
        "--rate-limit-time-window",
        "1m",
        "--rate-limit-enabled",
        "true",
        "--permissions",
        r#"{"files":["read"]}"#,
        "--metadata",
        r#"{"plan":["pro",1.50]}"#,
        "--allow",
        "10.0.0.0/8",
        "--deny",
        "10.9.0.0/16",
        "--json",
    ];
    let sides: Vec<_> = [&database, &elsewhere.laptop]
        .into_iter()
        .map(|place| {
            let key = place.json(&create);
            let text = |name: &str| key[name].as_str().unwrap().to_owned();
            (place, text("id"), text("key"), key)
        })
        .collect();
    let members = |key: &Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&sides[0].3), members(&sides[1].3));
    let commands: &[&[&str]] = &[
        &["list"],
        &["ls", "-o", "wide"],
        &[
            "list",
            "--user",
            "ada",
            "--limit",
            "1",
            "--offset",
            "0",
            "--sort-by",
            "name",
            "--sort-direction",
            "desc",
            "--json",
        ],
        &["list", "--organization", "", "--json"],
        &[
            "list",
            "--state",
            "expired",
            "--enabled",
            "true",
            "--config-id",
            "default",
            "--created-before",
            "2001-01-01",
            "--json",
        ],
        &["list", "--search", "fir", "--expires-before", "2999-01-01", "-q"],
        &["get", "ID"],
        &["get", "ID", "-o", "yaml"],
        &["get", "sk_"],
        &["get", "nobody"],
        &["verify", "SECRET", "--client-ip", "10.1.1.1", "--cost", "2", "--permissions", r#"{"files":["read"]}"#],
        &["verify", "SECRET", "--client-ip", "10.9.1.1", "--json"],
        &["verify", "SECRET", "--client-ip", "10.1.1.1", "--config-id", "other", "-q"],
        &["verify", "SECRET", "--client-ip", "10.1.1.1", "--dry-run"],
        &["verify", "SECRET", "--client-ip", "10.1.1.1", "--settle", "--cost", "50", "--json"],
        &["verify", "unknown", "--json"],
        &[
            "update",
            "ID",
            "--name",
            "second",
            "--remaining",
            "null",
            "--refill-amount",
            "null",
            "--refill-interval",
            "null",
        ],
        &["update", "ID", "--expires-in", "null", "--permissions", "null", "--metadata", "null", "--allow", "null"],
        &["update", "ID", "--remaining", "5", "--deny", "10.7.0.0/16", "--rate-limit-time-window", "1h", "--json"],
        &[
            "update",
            "ID",
            "--add-remaining",
            "-2",
            "--reset-limit",
            "--refill-amount",
            "4",
            "--refill-interval",
            "1d",
            "--json",
        ],
        &["update", "ID"],
        &["update", "ID", "--metadata", "7"],
        &["update", "ID", "--rate-limit-enabled", "false", "--rate-limit-max", "3", "--enabled", "false"],
        &["update", "ID", "--enabled", "true", "-q"],
        &["update", "ID", "--expires-in", "soon"],
        &["rotation", "finish", "ID"],
        &["revoke", "ID"],
        &["revoke", "nobody"],
        &["rotate", "ID", "--now"],
        &["delete", "ID", "--json"],
        &["rm", "ID"],
        &["restore", "ID"],
        &["restore", "ID"],
    ];
    for command in commands {
        let [one, other] = [0, 1].map(|side: usize| {
            let (place, id, secret, _) = &sides[side];
            // A secret may contain the letters ID.
            let arguments = command.iter().map(|argument| match *argument {
                "SECRET" => secret,
                "ID" => id,
                other => other,
            });
            let arguments: Vec<&str> = std::iter::once("key").chain(arguments).collect();
            let output = place.run(&arguments);
            shown(&output, id, secret)
        });
        assert_eq!(one, other, "{command:?}");
        assert!(one.0.is_some_and(|status| status != 1), "{command:?}: {one:?}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.laptop.path()).unwrap().count(), 0, "a server elsewhere needs no database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_rotated_and_the_rotation_ends_on_both() {
    let (database, served) = (place(), place());
    let elsewhere = Elsewhere::of(&served);
    for place in [&database, &elsewhere.laptop] {
        let created = place.json(&["key", "create", "--user", "ada", "--json"]);
        let id = created["id"].as_str().unwrap();
        let rotated = place.json(&["key", "rotate", id, "--grace-seconds", "2h", "--end-former", "--json"]);
        assert_eq!(rotated["rotation"]["graceSeconds"], 7200);
        assert_eq!(place.json(&["key", "rotation", "cancel", id, "--json"])["rotation"], Value::Null);
        let deadline = place.json(&["key", "rotate", id, "--deadline-seconds", "1d", "--json"]);
        assert!(deadline["rotation"]["deadline"].is_string(), "{deadline}");
        assert_eq!(place.json(&["key", "rotation", "finish", id, "--json"])["rotation"], Value::Null);
        let secret = place.run(&["key", "rotate", id, "--now", "-q"]);
        let secret = String::from_utf8(secret.stdout).unwrap();
        assert!(place.run(&["key", "verify", secret.trim_end()]).status.success(), "it is the new one: {secret}");
        let old = created["key"].as_str().unwrap();
        assert_eq!(place.run(&["key", "verify", old, "-q"]).status.code(), Some(3));
    }
}

#[test]
fn a_server_that_cannot_be_asked_is_a_failure_and_no_refusal() {
    let served = place();
    let server = served.serve();
    let url = format!("http://{}", server.address);
    let asked = |url: &str, key: &str| {
        let place = Place::new().with("KEYMINT_SERVER_KEY", key);
        let output = place.run(&["key", "verify", "unknown", "--url", url]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(asked(&url, SERVER_KEY).0, Some(3));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, key, status, said) in [
        (url.as_str(), "another-server-key-of-thirty-two-characters", 1, "does not accept the server key"),
        (&format!("{url}/elsewhere"), SERVER_KEY, 1, "is no Keymint: it answers 404"),
        (&format!("http://{closed}"), SERVER_KEY, 1, "cannot be asked"),
        ("keys.example.com", SERVER_KEY, 2, "the URL must be http or https"),
        ("http://ada:hush@keys.example.com", SERVER_KEY, 2, "the URL must be http or https"),
        (&url, "short", 2, "the server key "),
        (&url, "", 2, "set KEYMINT_SERVER_KEY"),
    ] {
        let (found, stderr) = asked(url, key);
        assert_eq!(found, Some(status), "{url}: {stderr}");
        assert!(stderr.contains(said) && !stderr.contains("hush"), "{stderr}");
        assert!(key.is_empty() || key == "short" || !stderr.contains(key), "{stderr}");
    }
}

#[test]
fn the_server_key_is_read_from_a_file() {
    let served = place();
    let server = served.serve();
    let place = Place::new();
    let file = place.path().join("server-key");
    std::fs::write(&file, format!("{SERVER_KEY}\n")).unwrap();
    let (url, file) = (format!("http://{}/api/auth/", server.address), file.to_str().unwrap());
    let listed = place.json(&["key", "--url", &url, "--server-key-file", file, "list", "--json"]);
    assert_eq!(listed["total"], 0);
    let by_variable = place.command(&["key", "ls", "--url", &url, "-q"]).env("KEYMINT_SERVER_KEY_FILE", file).output();
    assert!(by_variable.unwrap().status.success());
    for (arguments, said) in [
        (&["key", "list", "--server-key-file", file][..], "needs --url"),
        (&["key", "list", "--url", &url, "--server-key-file", "missing"], "--server-key-file: the file cannot be read"),
    ] {
        let output = place.run(arguments);
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}

#[test]
fn what_needs_the_database_is_refused_on_a_server() {
    let place = Place::new().with("KEYMINT_URL", "http://127.0.0.1:1").with("KEYMINT_SERVER_KEY", SERVER_KEY);
    for command in [
        &["key", "list", "--deleted"][..],
        &["key", "update", "--all", "--enabled", "false"],
        &["key", "revoke", "--owner", "ada"],
        &["key", "health"],
        &["key", "pattern", "--for", "regex"],
        &["key", "report-leak"],
    ] {
        let output = place.run(command);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{command:?}: {stderr}");
        assert!(stderr.contains("leave out --url and KEYMINT_URL"), "{stderr}");
    }
    let others = place.run(&["server-key", "list"]);
    assert!(String::from_utf8_lossy(&others.stderr).contains("there is no database"), "it works on the database alone");
}

/// Runs a command whose terminal is `script`'s, against a server that answers after a while.
fn on_a_terminal(wait: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
        thread::sleep(wait);
        let body = r#"{"apiKeys":[],"total":0}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    });
    let place = Place::new().with("KEYMINT_URL", &url).with("KEYMINT_SERVER_KEY", SERVER_KEY).with("TERM", "xterm");
    let command = place.command(&[]);
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{} key list -q", command.get_program().to_str().unwrap()), "/dev/null"]);
    script.current_dir(place.path()).stdin(Stdio::null());
    script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = script.output().unwrap();
    answering.join().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_command_shows_on_a_terminal_that_it_waits() {
    let shown = on_a_terminal(Duration::from_millis(2600));
    assert!(shown.contains("waiting for the server"), "{shown:?}");
    assert!(!on_a_terminal(Duration::ZERO).contains("waiting"), "a quick answer shows nothing");
}

#[test]
fn an_answer_that_is_no_answer_is_told() {
    for (status, body) in [("200 OK", "<html>"), ("502 Bad Gateway", "oops"), ("302 Found", "")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answering = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        });
        let place = Place::new().with("KEYMINT_URL", &url).with("KEYMINT_SERVER_KEY", SERVER_KEY);
        let output = place.run(&["key", "get", "a"]);
        answering.join().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.contains("is no Keymint")), (Some(1), true), "{stderr}");
    }
}
