//! Many keys are revoked and changed at once.

use serde_json::{Value, json};

use crate::process::{Place, places};

/// Returns the outcome of a command on many keys.
fn outcome(changed: u64, unchanged: u64) -> Value {
    json!({ "dryRun": false, "changed": changed, "unchanged": unchanged, "unreadable": 0, "unreadableIds": [] })
}

/// Runs a command that must be refused, and returns what it says.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?}: {said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_are_revoked_and_changed_beside_a_running_server() {
    for place in places().await {
        let server = place.serve();
        let mut keys = Vec::new();
        for owner in ["ada", "ada", "ada", "bob"] {
            keys.push(place.json(&["key", "create", "--user", owner, "--json"]));
        }
        for key in &keys {
            assert!(server.is_valid(key).await);
        }
        let limits = ["--rate-limit-max", "7", "--rate-limit-time-window", "60000", "--reset-limit", "--json"];
        let change = |which: &[&str]| place.json(&[&["key", "update"], which, &limits[..]].concat());
        let dry = change(&["--all", "--dry-run"]);
        assert_eq!((&dry["dryRun"], &dry["changed"], &dry["unchanged"]), (&json!(true), &json!(4), &json!(0)));
        assert_eq!(change(&["--owner", "ada"]), outcome(3, 0));
        assert_eq!(change(&["--all", "--config-id", "default"]), outcome(1, 3));
        assert_eq!(change(&["--all", "--config-id", "other"]), outcome(0, 0), "it is not taken for the default one");
        let id = keys[3]["id"].as_str().unwrap();
        assert_eq!(place.json(&["key", "get", id, "--json"])["rateLimitMax"], 7);

        let enable = |enabled| place.json(&["key", "update", "--owner", "ada", "--enabled", enabled, "--json"]);
        assert_eq!(enable("false"), outcome(3, 0));
        assert!(!server.is_valid(&keys[0]).await && server.is_valid(&keys[3]).await);
        assert_eq!(enable("true"), outcome(3, 0));
        assert!(server.is_valid(&keys[0]).await);

        let revoke = || place.json(&["key", "revoke", "--owner", "ada", "--json"]);
        assert_eq!((revoke(), revoke()), (outcome(3, 0), outcome(0, 3)));
        for key in &keys[..3] {
            assert!(!server.is_valid(key).await);
        }
        assert!(server.is_valid(&keys[3]).await);
        assert_eq!(enable("true"), outcome(0, 3), "no revocation is taken back");
    }
}

#[test]
fn what_is_of_one_key_is_not_changed_of_many_and_many_are_never_meant_by_mistake() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    let said = refused(&place, &["key", "update", "--all", "--name", "x", "--remaining", "5", "--rate-limit-max", "0"]);
    for problem in [
        "[option.name] Invalid input: is changed of one key at a time",
        "[option.remaining] Invalid input: is changed of one key at a time",
        "[option.rateLimitMax] Too small: expected number to be >=1",
    ] {
        assert!(said.contains(problem), "{said}");
    }
    assert!(refused(&place, &["key", "update", "--owner", "ada"]).contains("No values to update"));
    for mistake in [
        &["key", "update", "--config-id", "default", "--enabled", "false"][..],
        &["key", "update", "a", "--all", "--enabled", "false"],
        &["key", "update", "a", "--dry-run", "--enabled", "false"],
        &["key", "revoke", "--config-id", "default"],
        &["key", "revoke", "a", "--owner", "ada"],
        &["key", "revoke", "--owner", "ada", "--all"],
        &["key", "revoke", "--owner", ""],
        &["key", "revoke"],
    ] {
        refused(&place, mistake);
    }
}
