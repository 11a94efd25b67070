//! Every command, beside a running server, with its exit status.

mod document;
mod forms;
mod generated;
#[cfg(unix)]
mod listening;
mod remote;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Place, Server, places};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_managed_beside_a_running_server() {
    for place in places().await {
        let server = place.serve();
        let create = ["key", "create", "--user", "ada", "--name", "cli", "--remaining", "2", "--json"];
        let key = place.json(&create);
        assert!(server.is_valid(&key).await);
        let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
        assert_eq!(place.json(&["key", "get", id, "--json"])["remaining"], 1);
        assert_eq!(place.json(&["key", "verify", text, "--cost", "0", "--json"])["key"]["remaining"], 1);
        assert_eq!(place.json(&["key", "verify", text, "--json"])["key"]["remaining"], 0);
        let refused = place.run(&["key", "verify", text, "--json"]);
        assert!(!refused.status.success(), "the status says that the key is not valid");
        let refused: Value = serde_json::from_slice(&refused.stdout).unwrap();
        assert_eq!(refused["error"]["code"], "USAGE_EXCEEDED");
        place.json(&["key", "update", id, "--enabled", "false", "--remaining", "5", "--json"]);
        assert!(!server.is_valid(&key).await);
        let list = place.json(&["key", "list", "--user", "ada", "--limit", "1", "--json"]);
        assert_eq!((&list["total"], &list["apiKeys"][0]["id"]), (&json!(1), &key["id"]));
        assert_eq!(place.json(&["key", "delete", id, "--json"]), json!({ "success": true }));
        assert!(!place.run(&["key", "get", id]).status.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_only_read_make_no_database() {
    for (place, told) in
        places().await.into_iter().zip(["there is no database at ", "there are no keys in this database"])
    {
        let commands: [&[&str]; 8] = [
            &["key", "list"],
            &["key", "get", "a"],
            &["key", "verify", "a"],
            &["key", "revoke", "a"],
            &["key", "delete", "a"],
            &["server-key", "list"],
            &["server-key", "revoke", "a"],
            &["org", "add-member", "a", "b"],
        ];
        for command in commands {
            let output = place.run(command);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains(told), "{command:?}: {said}");
            assert!(!said.contains("there is no database") || said.contains(place.path().to_str().unwrap()), "{said}");
            assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "{command:?}");
        }
        assert!(place.run(&["migrate"]).status.success());
        assert!(place.run(&["key", "list"]).status.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_about_keys_are_shown_beside_a_running_server() {
    for place in places().await {
        let server = place.serve();
        let lasting = place.json(&["key", "create", "--user", "ada", "--json"]);
        place.json(&["key", "create", "--user", "bob", "--expires-in", "8640000", "--json"]);
        assert!(server.is_valid(&lasting).await);
        let found = place.json(&["key", "health", "--json"]);
        assert_eq!((&found["examined"], &found["next"]), (&json!(2), &Value::Null));
        assert_eq!(found["findings"][0]["finding"], "never_expires");
        assert_eq!(found["findings"][0]["keyIds"], json!([lasting["id"]]));
        let of_bob = place.json(&["key", "health", "--user", "bob", "--expiring-days", "200", "--json"]);
        assert_eq!((&of_bob["examined"], &of_bob["findings"][0]["finding"]), (&json!(1), &json!("expiring")));
        let none = place.json(&["key", "health", "--severity", "high", "--json"]);
        assert_eq!(none["findings"], json!([]));
        let table = String::from_utf8(place.run(&["key", "health", "--finding", "never_expires"]).stdout).unwrap();
        let id = lasting["id"].as_str().unwrap();
        assert!(table.starts_with("severity  finding"), "{table}");
        assert!(table.contains(id) && table.contains("Set an expiry."), "{table}");
        let wrong = place.run(&["key", "health", "--finding", "odd"]);
        assert!(!wrong.status.success());
        assert!(String::from_utf8(wrong.stderr).unwrap().contains("[option.finding]"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_prints_every_rule_and_counts_nothing() {
    for place in places().await {
        let server = place.serve();
        let create = ["key", "create", "--user", "ada", "--remaining", "2", "--permissions", r#"["read"]"#, "--json"];
        let key = place.json(&create);
        assert_eq!(key["permissions"], json!({ "*": ["read"] }));
        let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
        let verify = ["key", "verify", text, "--dry-run", "--permissions"];
        let table = place.run(&[&verify[..], &[r#"{"files":["read"]}"#]].concat());
        assert!(table.status.success());
        let table = String::from_utf8(table.stdout).unwrap();
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].starts_with("rule ") && lines[0].ends_with("values"), "{table}");
        assert!(lines.iter().any(|line| line.starts_with("quota ") && line.contains(" remaining=2 ")), "{table}");
        assert_eq!(lines.last(), Some(&"valid"), "{table}");

        let refused = place.run(&[&verify[..], &[r#"{"files":["read","write"]}"#]].concat());
        assert!(!refused.status.success(), "the status says that the key would be refused");
        let refused = String::from_utf8(refused.stdout).unwrap();
        assert!(refused.contains("KEY_NOT_FOUND") && refused.contains(r#"missing={"files":["write"]}"#), "{refused}");
        assert!(refused.ends_with("KEY_NOT_FOUND\n"), "{refused}");
        let answer = place.json(&["key", "verify", text, "--dry-run", "--json"]);
        assert_eq!((&answer["valid"], &answer["rules"][0]["rule"]), (&json!(true), &json!("exists")));
        assert_eq!(place.json(&["key", "get", id, "--json"])["remaining"], 2);
        assert!(server.is_valid(&key).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_topped_up_cleared_and_settled_beside_a_running_server() {
    for place in places().await {
        let server = place.serve();
        let key =
            place.json(&["key", "create", "--user", "ada", "--remaining", "2", "--rate-limit-max", "1", "--json"]);
        let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
        let update = |options: &[&str]| place.json(&[&["key", "update", id, "--json"][..], options].concat());
        assert_eq!(update(&["--add-remaining", "5"])["remaining"], 7);
        assert_eq!(update(&["--add-remaining", "-6"])["remaining"], 1);
        assert!(server.is_valid(&key).await);
        assert_eq!(update(&["--add-remaining", "3"])["remaining"], 3);
        assert!(!server.is_valid(&key).await, "its rate is limited");
        assert_eq!(update(&["--reset-limit"])["requestCount"], 0);
        assert!(server.is_valid(&key).await);
        let settled = place.json(&["key", "verify", text, "--cost", "50", "--settle", "--json"]);
        assert_eq!((&settled["valid"], &settled["key"]["remaining"]), (&json!(true), &json!(0)));
        let refill = update(&["--refill-amount", "5", "--refill-interval", "1000"]);
        assert_eq!((&refill["refillAmount"], &refill["refillInterval"]), (&json!(5), &json!(1000)));
        let cleared = update(&["--refill-amount", "null", "--refill-interval", "null", "--remaining", "null"]);
        assert_eq!((&cleared["refillAmount"], &cleared["remaining"]), (&Value::Null, &Value::Null));
        for (options, problem) in [
            (&["--add-remaining", "1"][..], "ADD_REMAINING_NOT_ALLOWED"),
            (&["--add-remaining", "many"], "[option.addRemaining] Invalid input: expected number, received string"),
            (
                &["--add-remaining", "-2147483648"],
                "[option.addRemaining] Too small: expected number to be >=-2147483647",
            ),
            (&["--refill-amount", "null"], "REFILL_AMOUNT_AND_INTERVAL_REQUIRED"),
        ] {
            let output = place.run(&[&["key", "update", id][..], options].concat());
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && stderr.contains(problem), "{options:?}: {stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_refilled_by_months_and_name_their_creator() {
    for place in places().await {
        let create = ["key", "create", "--user", "ada", "--refill-amount", "5", "--refill-every", "month", "--json"];
        let key = place.json(&create);
        let id = key["id"].as_str().unwrap();
        assert_eq!((&key["refill"], &key["remaining"]), (&json!({ "every": "month", "at": "UTC" }), &json!(5)));
        let long = ["key", "update", id, "--refill-amount", "5", "--refill-interval", "34560000000", "--json"];
        assert_eq!(place.json(&long)["refillInterval"], 34_560_000_000_u64);
        let limit = ["key", "update", id, "--rate-limit-time-window", "34560000000", "--json"];
        assert_eq!(place.json(&limit)["rateLimitTimeWindow"], 34_560_000_000_u64);
        let shown = place.json(&["key", "get", id, "--json"]);
        assert!(shown["createdBy"].as_str().unwrap().starts_with("cli:"), "{shown}");
        let server = place.serve();
        let by_server = server.create(json!({ "userId": "ada" })).await;
        let list = String::from_utf8(place.run(&["key", "list"]).stdout).unwrap();
        let line = |id: &str| list.lines().find(|line| line.contains(id)).unwrap().to_owned();
        assert!(line(id).contains("cli:") && line(by_server["id"].as_str().unwrap()).contains("server"), "{list}");
        for (options, problem) in [
            (&["--refill-every", "year"][..], "[option.refill.every] Invalid option"),
            (&["--refill-every", "day"], "REFILL_INTERVAL_AND_AMOUNT_REQUIRED"),
            (&["--rate-limit-time-window", "34560000001"], "Too big: expected number to be <=34560000000"),
        ] {
            let output = place.run(&[&["key", "update", id][..], options].concat());
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && stderr.contains(problem), "{options:?}: {stderr}");
        }
    }
}

#[test]
fn no_key_of_the_command_line_outlives_the_longest_life() {
    let place = Place::new();
    std::fs::write(place.path().join("keymint.toml"), "[[api_key]]\nmax_lifetime_days = 30\ngrantable = [\"read\"]\n")
        .unwrap();
    let key = place.json(&["key", "create", "--user", "ada", "--permissions", r#"["write"]"#, "--json"]);
    assert!(key["expiresAt"].is_string(), "{key}");
    assert_eq!(key["permissions"], json!({ "*": ["write"] }), "a ceiling is for users");
    let id = key["id"].as_str().unwrap();
    for arguments in [
        &["key", "create", "--user", "ada", "--expires-in", "2592001"][..],
        &["key", "update", id, "--expires-in", "2595600"],
        &["key", "update", id, "--expires-in", "null"],
    ] {
        let output = place.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains("EXPIRES_IN_IS_TOO_LARGE"), "{arguments:?}: {stderr}");
    }
    let shorter = place.json(&["key", "update", id, "--expires-in", "86400", "--json"]);
    assert_ne!(shorter["expiresAt"], key["expiresAt"]);
}

#[test]
fn keys_are_tied_to_networks() {
    let place = Place::new();
    let lists = ["--allow", "10.0.0.0/8,2001:db8::/32", "--deny", "10.9.0.0/16", "--deny", "10.8.0.1"];
    let key = place.json(&[&["key", "create", "--user", "ada", "--json"][..], &lists].concat());
    let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let shown = |key: &Value| [key["allowedAddresses"].clone(), key["deniedAddresses"].clone()];
    let lists = [json!(["10.0.0.0/8", "2001:db8::/32"]), json!(["10.9.0.0/16", "10.8.0.1/32"])];
    assert_eq!(shown(&place.json(&["key", "get", id, "--json"])), lists);
    let table = String::from_utf8(place.run(&["key", "get", id]).stdout).unwrap();
    assert!(table.contains("10.9.0.0/16"), "{table}");
    let verdict = |from: &[&str]| {
        let output = place.run(&[&["key", "verify", text, "--json"][..], from].concat());
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.success(), verdict["valid"] == true);
        verdict["error"]["code"].as_str().map(str::to_owned)
    };
    let refused = Some("IP_NOT_ALLOWED".to_owned());
    assert_eq!(verdict(&["--client-ip", "10.1.2.3"]), None);
    assert_eq!(verdict(&["--client-ip", "10.9.2.3"]), refused);
    assert_eq!(verdict(&[]), refused);
    let cleared = place.json(&["key", "update", id, "--allow", "null", "--deny", "null", "--json"]);
    assert_eq!(shown(&cleared), [Value::Null, Value::Null]);
    assert_eq!(verdict(&[]), None);
}

#[test]
fn a_key_is_read_from_standard_input() {
    let place = Place::new();
    let key = place.json(&["key", "create", "--user", "ada", "--json"]);
    let mut command = place.command(&["key", "verify", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n", key["key"].as_str().unwrap()).as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn commands_end_quietly_where_nobody_reads_what_they_print() {
    let place = Place::new();
    let id = place.json(&["key", "create", "--user", "ada", "--json"])["id"].as_str().unwrap().to_owned();
    for arguments in [
        &["openapi"][..],
        &["config", "check"],
        &["config", "print"],
        &["key", "get", &id],
        &["key", "list"],
        &["key", "verify", "unknown", "--json"],
        &["server-key", "list"],
        &["backup", "copy.db"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(arguments).stdout(writer).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(141), ""), "{arguments:?}");
    }
}

#[test]
fn a_key_may_begin_with_a_hyphen() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    let output = place.run(&["key", "verify", "-abc", "--json"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["error"]["code"], "INVALID_API_KEY");
}

#[test]
fn a_database_in_memory_is_no_place_for_a_command() {
    let place = Place::on("memory:");
    for arguments in
        [&["key", "create", "--user", "ada"][..], &["server-key", "create"], &["org", "add-member", "acme", "ada"]]
    {
        let output = place.run(arguments);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains("in memory"));
    }
}

#[test]
fn bad_options_are_named_and_nothing_is_made() {
    let place = Place::new();
    for (options, problem) in [
        (&["--remaining", "-1"][..], "[option.remaining] Too small: expected number to be >=0"),
        (&["--expires-in", "0"], "[option.expiresIn] Too small: expected number to be >=1"),
        (
            &["--expires-in", "soon"],
            "[option.expiresIn] Invalid input: expected number or duration (30d, 12h, 5m, 10s, 250ms)",
        ),
        (&["--remaining", "1.5"], "[option.remaining] Invalid input: expected int, received number"),
        (&["--permissions", "read"], "[option.permissions] Invalid input: expected record, received string"),
        (&["--prefix", "a b"], "[option.prefix] Invalid prefix format"),
        (&["--refill-amount", "1"], "REFILL_AMOUNT_AND_INTERVAL_REQUIRED"),
        (&["--metadata", "{}"], "METADATA_DISABLED"),
        (&["--allow", "10.0.0.0/8,10.0.0.1/8"], "[option.allowedAddresses.1] Invalid network: must be an address or a"),
        (&["--deny", "everywhere"], "[option.deniedAddresses.0] Invalid network: must be an address or a network"),
    ] {
        let output = place.run(&[&["key", "create", "--user", "ada"], options].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(problem), "{options:?}: {stderr}");
    }
    assert_eq!(place.json(&["key", "list", "--json"])["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_keys_are_made_listed_and_revoked_beside_a_running_server() {
    for place in places().await {
        let server = Server::start(place.command(&[]));
        let made = place.json(&["server-key", "create", "--name", "ci", "--json"]);
        let ask = async || {
            let request = reqwest::Client::new().get(server.url("list")).bearer_auth(made["key"].as_str().unwrap());
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(ask().await, 200, "a new server key counts at once");
        let listed = place.json(&["server-key", "list", "--json"]);
        assert_eq!(listed["serverKeys"].as_array().unwrap().len(), 2, "the first start made one");
        assert!(!listed.to_string().contains(made["key"].as_str().unwrap()));
        let id = made["id"].as_str().unwrap();
        assert_eq!(place.json(&["server-key", "revoke", id, "--json"]), json!({ "success": true }));
        assert!(!place.run(&["server-key", "revoke", id]).status.success());
        // Within a second, which a busy machine may stretch; polling is the only way to see it.
        let refused = async { while ask().await != 401 {} };
        tokio::time::timeout(Duration::from_secs(20), refused).await.expect("a revoked server key is refused");
    }
}

#[test]
fn migrate_makes_the_tables_and_may_run_again() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    assert!(place.run(&["migrate"]).status.success());
    assert!(place.path().join("keymint.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn a_servers_health_is_asked_beside_it() {
    let cluster = keymint_test_postgres::PrivateCluster::start().await;
    let place = Place::on(&cluster.database().await);
    let server = place.serve();
    let ask = |address: &str, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("KEYMINT__SERVER__LISTEN", address).output().unwrap()
    };
    let (address, any) = (server.address.to_string(), format!("0.0.0.0:{}", server.address.port()));
    assert!(ask(&address, &["health"]).status.success() && ask(&any, &["health", "--ready"]).status.success());
    cluster.stop().await;
    assert!(ask(&address, &["health"]).status.success(), "a database that is away is no reason to start again");
    // Within two seconds, which a busy machine may stretch; polling is the only way to see it.
    let unready = async {
        loop {
            let asked = ask(&address, &["health", "--ready"]);
            if !asked.status.success() {
                return asked;
            }
            tokio::task::yield_now().await;
        }
    };
    let unready = tokio::time::timeout(Duration::from_secs(20), unready).await.expect("an unready server says so");
    assert_eq!(String::from_utf8_lossy(&unready.stdout), "/readyz answers 503\n");
    drop(server);
    for (address, reason) in [(address.as_str(), "no answer from 127.0.0.1"), ("127.0.0.1:0", "port 0")] {
        let gone = ask(address, &["health"]);
        let stderr = String::from_utf8_lossy(&gone.stderr);
        assert!(!gone.status.success() && stderr.contains(reason), "{stderr}");
    }
}

#[test]
fn whoever_answers_in_a_servers_place_is_told_apart() {
    // The alert of a server that speaks TLS, then that of another program.
    for (answer, alive, reason) in [
        (&[21, 3, 1, 0, 2, 2, 10][..], true, "speaks TLS"),
        (b"220 mail.example.com ESMTP\r\n", false, "is no Keymint"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place::new().with("KEYMINT__SERVER__LISTEN", &listener.local_addr().unwrap().to_string());
        let answering = std::thread::spawn(move || {
            for _ in 0..2 {
                let mut stream = listener.accept().unwrap().0;
                let read = stream.read(&mut [0; 1024]).unwrap();
                assert_ne!(read, 0);
                stream.write_all(answer).unwrap();
            }
        });
        assert_eq!(place.run(&["health"]).status.success(), alive);
        let unready = place.run(&["health", "--ready"]);
        let stderr = String::from_utf8_lossy(&unready.stderr);
        assert!(!unready.status.success() && stderr.contains(reason), "{stderr}");
        answering.join().unwrap();
    }
}

#[test]
fn tables_are_for_people() {
    let place = Place::new();
    place.json(&["key", "create", "--user", "ada", "--name", "first", "--json"]);
    let list = String::from_utf8(place.run(&["key", "list"]).stdout).unwrap();
    let lines: Vec<_> = list.lines().collect();
    assert!(lines[0].starts_with("id ") && lines[1].contains(" first "), "{list}");
    let help = String::from_utf8(place.run(&["--help"]).stdout).unwrap();
    assert!(
        ["migrate", "backup", "health", "config", "key", "server-key", "org"]
            .iter()
            .all(|command| help.contains(command)),
        "{help}"
    );
}
