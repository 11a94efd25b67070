//! Keys are found on the command line, on SQLite and on Postgres.

use serde_json::Value;

use crate::process::{Place, places};

fn names(place: &Place, options: &[&str]) -> Vec<String> {
    let page = place.json(&[&["key", "list", "--json"], options].concat());
    let keys = page["apiKeys"].as_array().unwrap();
    assert_eq!(page["total"], keys.len());
    keys.iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
}

fn create(place: &Place, options: &[&str]) -> Value {
    place.json(&[&["key", "create", "--user", "ada", "--json"], options].concat())
}

#[tokio::test]
async fn keys_are_found_by_their_state_their_text_and_their_times() {
    for place in places().await {
        let first = create(&place, &["--name", "first"]);
        create(&place, &["--name", "brief", "--expires-in", "86400"]);
        create(&place, &["--name", "spent", "--remaining", "0"]);
        let last = create(&place, &["--name", "Last"]);
        let id = |key: &Value| key["id"].as_str().unwrap().to_owned();
        assert!(place.run(&["key", "revoke", &id(&first)]).status.success());
        assert!(place.run(&["key", "update", &id(&last), "--enabled", "false"]).status.success());
        let after = "2100-01-01";
        let (by_id, by_start) = (id(&last), last["start"].as_str().unwrap());
        let cases: [(&[&str], &[&str]); 14] = [
            (&["--search", &by_id], &["Last"]),
            (&["--search", by_start], &["Last"]),
            (&["--search", "last"], &["Last"]),
            (&["--search=-1"], &[]),
            (&["--enabled", "false"], &["first", "Last"]),
            (&["--state", "active"], &["brief"]),
            (&["--state", "disabled"], &["Last"]),
            (&["--state", "exhausted"], &["spent"]),
            (&["--state", "revoked"], &["first"]),
            (&["--state", "expired"], &[]),
            (&["--expires-before", after], &["brief"]),
            (&["--created-before", "2023-01-01"], &[]),
            (&["--unused-since", after, "--enabled", "true", "--sort-by", "expiresAt"], &["brief", "spent"]),
            (&["--user", "eve", "--state", "active"], &[]),
        ];
        for (options, expected) in cases {
            assert_eq!(names(&place, options), expected, "{options:?}");
        }
        for (options, problem) in [
            (&["--search", ""][..], "[option.search] Invalid string: must have 1 or more characters"),
            (&["--state", "lost"], "[option.state] Invalid option: expected one of \"active\"|"),
            (&["--expires-before", "soon"], "[option.expiresBefore] Invalid date-time: must be RFC 3339, or a date"),
            (&["--unused-since", "1"], "[option.unusedSince] Invalid date-time: must be RFC 3339, or a date"),
        ] {
            let output = place.run(&[&["key", "list"], options].concat());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && stderr.contains(problem), "{options:?}: {stderr}");
        }
        for (options, more) in [
            (&["--limit", "1"][..], "3 more keys match: --offset 1 shows the next ones"),
            (&["--limit", "1", "--offset", "2"], "1 more key matches: --offset 3 shows the next ones"),
        ] {
            let stderr = String::from_utf8(place.run(&[&["key", "list"], options].concat()).stderr).unwrap();
            assert!(stderr.contains(more), "{stderr}");
        }
        let whole = place.run(&["key", "list"]);
        assert!(!String::from_utf8_lossy(&whole.stderr).contains("more key"), "{whole:?}");
    }
}
