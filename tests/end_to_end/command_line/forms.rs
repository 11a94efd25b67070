//! The forms of the output, durations, and the exit statuses.

use serde_json::{Value, json};

use crate::process::Place;

fn stdout(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_answer_is_printed_in_every_form() {
    let place = Place::new();
    let secret = stdout(&place, &["key", "create", "--user", "ada", "--name", "first", "-q"]);
    assert_eq!(stdout(&place, &["key", "verify", secret.trim(), "--json"]).matches("\"valid\":true").count(), 1);
    let id = stdout(&place, &["key", "list", "-q"]);
    assert_eq!(stdout(&place, &["key", "get", id.trim(), "--quiet"]), id);
    assert_eq!(stdout(&place, &["key", "verify", secret.trim(), "-q"]), id);
    let json: Value = serde_json::from_str(&stdout(&place, &["key", "ls", "-o", "json"])).unwrap();
    let yaml: Value = serde_yaml_ng::from_str(&stdout(&place, &["key", "ls", "-o", "yaml"])).unwrap();
    assert_eq!(json, yaml);
    let (table, wide) = (stdout(&place, &["key", "ls", "-o", "table"]), stdout(&place, &["key", "ls", "-o", "wide"]));
    assert_eq!(table, stdout(&place, &["key", "list"]));
    assert!(!table.contains("rateLimitMax") && wide.contains("rateLimitMax"), "{wide}");
    assert!(wide.starts_with("id "), "{wide}");
    let yaml: Value = serde_yaml_ng::from_str(&stdout(&place, &["key", "-o", "yaml", "get", id.trim()])).unwrap();
    assert_eq!((&yaml["id"], &yaml["name"]), (&json!(id.trim()), &json!("first")));
}

#[test]
fn every_list_has_every_form() {
    let place = Place::new();
    let secret = stdout(&place, &["server-key", "create", "--name", "ci", "-q"]);
    assert!(secret.trim().len() >= 32, "a new server key prints its text");
    place.json(&["key", "create", "--user", "ada", "--json"]);
    for list in [
        &["server-key", "ls"][..],
        &["user", "ls"],
        &["webhook", "ls"],
        &["org", "ls"],
        &["audit", "ls"],
        &["key", "health"],
        &["key", "list", "--deleted"],
    ] {
        let of = |form: &[&str]| stdout(&place, &[list, form].concat());
        let json: Value = serde_json::from_str(&of(&["--json"])).unwrap();
        assert_eq!(json, serde_yaml_ng::from_str::<Value>(&of(&["-o", "yaml"])).unwrap(), "{list:?}");
        assert_eq!(of(&["-q"]).trim().contains(' '), false, "{list:?}");
        of(&["-o", "wide"]);
    }
    assert_eq!(place.run(&["usage", "-q"]).status.code(), Some(2), "steps have no ids");
    for (options, said) in [
        (&["-o", "xml"][..], "possible values: table, wide, json, yaml"),
        (&["-o", "json", "-q"], "cannot be used with"),
        (&["--json", "-q"], "cannot be used with"),
    ] {
        let output = place.run(&[&["key", "list"], options].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}

#[test]
fn a_key_is_found_by_the_first_characters_of_its_text() {
    let place = Place::new();
    let one = place.json(&["key", "create", "--user", "ada", "--name", "zz_name", "--prefix", "aa_", "--json"]);
    let other = place.json(&["key", "create", "--user", "ada", "--prefix", "bb_", "--json"]);
    let start = one["start"].as_str().unwrap();
    assert_eq!(place.json(&["key", "get", start, "--json"])["id"], one["id"]);
    assert_eq!(place.json(&["key", "get", "bb_", "--json"])["id"], other["id"]);
    assert_eq!(place.run(&["key", "get", "zz_name"]).status.code(), Some(3), "a name is no start");
    place.json(&["key", "create", "--user", "bob", "--prefix", "aa_", "--json"]);
    let several = place.run(&["key", "get", "aa_"]);
    let stderr = String::from_utf8(several.stderr).unwrap();
    assert_eq!(several.status.code(), Some(3));
    assert!(stderr.contains("2 keys begin so: ") && stderr.contains(one["id"].as_str().unwrap()), "{stderr}");
    assert!(!stderr.contains(other["id"].as_str().unwrap()), "{stderr}");
}

#[test]
fn durations_stand_beside_numbers() {
    let place = Place::new();
    let create = ["key", "create", "--user", "ada", "--rate-limit-time-window", "1h30m", "--rate-limit-max", "5"];
    let key = place.json(&[&create[..], &["--refill-amount", "3", "--refill-interval", "1w", "--json"]].concat());
    assert_eq!((&key["rateLimitTimeWindow"], &key["refillInterval"]), (&json!(5_400_000), &json!(604_800_000)));
    let id = key["id"].as_str().unwrap();
    let lives = |lifetime: &str| {
        let key = place.json(&["key", "update", id, "--expires-in", lifetime, "--json"]);
        let instant = |name: &str| key[name].as_str().unwrap()[..10].to_owned();
        (instant("updatedAt"), instant("expiresAt"))
    };
    assert_eq!(lives("30d").1, lives("2592000").1);
    for (options, said) in [
        (&["--expires-in", "1y"][..], "[option.expiresIn] Invalid input: expected number or duration (30d, 12h, 5m,"),
        (
            &["--rate-limit-time-window", "401d"],
            "[option.rateLimitTimeWindow] Too big: expected number to be <=345600000",
        ),
    ] {
        let output = place.run(&[&["key", "update", id], options].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.contains(said)), (Some(2), true), "{stderr}");
    }
}

#[test]
fn a_status_tells_a_refusal_from_a_failure_and_from_misuse() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    let empty = Place::new();
    for (place, arguments, status) in [
        (&place, &["key", "verify", "unknown"][..], 3),
        (&place, &["key", "verify", "unknown", "--dry-run"], 3),
        (&place, &["key", "get", "unknown"], 3),
        (&place, &["key", "create", "--user", "ada", "--metadata", "{}"], 3),
        (&place, &["server-key", "revoke", "unknown"], 3),
        (&place, &["user", "ban", "nobody"], 3),
        (&place, &["org", "add-member", "acme", "ada"], 3),
        (&place, &["webhook", "pause", "unknown"], 3),
        (&place, &["key", "create", "--user", "ada", "--remaining", "many"], 2),
        (&place, &["key", "list", "--state", "odd"], 2),
        (&place, &["org", "create", "--name", "A", "--slug", "Not A Slug", "--creator", "ada"], 2),
        (&place, &["audit", "verify", "--head", "odd"], 2),
        (&place, &["key", "crate"], 2),
        (&place, &["serve", "--listen", "localhost"], 2),
        (&empty, &["key", "list"], 1),
        (&empty, &["health"], 1),
        (&empty, &["--config", "missing.toml", "key", "list"], 1),
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn organizations_are_listed_and_members_leave() {
    let place = Place::new();
    let mut make = place.command(&["user", "create", "--email", "ada@example.com", "--name", "Ada", "--verified"]);
    let mut child = make.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"correct horse\n").unwrap();
    assert!(child.wait().unwrap().success());
    let create = ["org", "create", "--name", "Acme", "--slug", "acme", "--creator", "ada@example.com", "--json"];
    let acme = place.json(&create);
    let listed = place.json(&["org", "ls", "--json"]);
    let row = json!({ "id": acme["id"], "name": "Acme", "slug": "acme", "members": 1 });
    assert_eq!(listed, json!({ "organizations": [row] }));
    assert_eq!(stdout(&place, &["org", "list", "-q"]).trim(), acme["id"].as_str().unwrap());
    let leave = ["org", "remove-member", "acme", "ada@example.com"];
    assert_eq!(place.json(&[&leave[..], &["--json"]].concat()), json!({ "success": true }));
    assert_eq!(place.json(&["org", "list", "--json"])["organizations"][0]["members"], 0);
    for (arguments, said) in [
        (&leave[..], "the user is not a member"),
        (&["org", "remove-member", "nothing", "ada@example.com"], "there is no organization of that id or slug"),
        (&["org", "remove-member", "acme", "nobody"], "there is no user of that id or address"),
    ] {
        let output = place.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.contains(said)), (Some(3), true), "{stderr}");
    }
}
