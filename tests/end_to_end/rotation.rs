//! The rotation of a key's secret by the built binary: the walk-through of its document, on every store.

use std::process::Command;

use keymint_test_support::markdown;
use serde_json::{Value, json};

use crate::process::places;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rotation.md"));

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_walk_through_runs_as_written() {
    let blocks = markdown::blocks(DOCUMENT, "sh");
    assert_eq!(blocks.len(), 5);
    for place in places().await {
        let server = place.serve();
        let key = server.create(json!({ "userId": "ada", "remaining": 100 })).await;
        let keymint = place.command(&[]);
        let folder = std::path::Path::new(keymint.get_program()).parent().unwrap();
        let mut bash = Command::new("bash");
        // One shell, since the first block keeps the new text in a variable.
        bash.args(["-ec", &format!("{}\necho \"$NEW\"", blocks.concat())]).current_dir(place.path()).env_clear();
        bash.envs(keymint.get_envs().filter_map(|(name, value)| Some((name, value?))));
        bash.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        bash.env("KEY_ID", key["id"].as_str().unwrap()).env("OLD", key["key"].as_str().unwrap());
        let output = bash.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.lines().any(|line| line == "former"), "{said}");
        let new = json!({ "key": said.lines().last().unwrap() });
        assert!(server.is_valid(&new).await && !server.is_valid(&key).await);
        let id = key["id"].as_str().unwrap();
        let shown = place.json(&["key", "--json", "get", id]);
        assert_eq!((&shown["remaining"], shown.get("rotation")), (&json!(97), None), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_refused_by_name_and_change_nothing() {
    for place in places().await {
        let server = place.serve();
        let key = server.create(json!({ "userId": "ada" })).await;
        let id = key["id"].as_str().unwrap();
        for (arguments, problem) in [
            (&["--grace-seconds", "-1"][..], "graceSeconds"),
            (&["--deadline-seconds", "59"], "deadlineSeconds"),
            (&["--now", "--grace-seconds", "1"], "--now"),
        ] {
            let output = place.run(&[&["key", "rotate", id], arguments].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains(problem), "{arguments:?}: {said}");
        }
        let output = place.run(&["key", "rotation", "cancel", id]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("No rotation of the API key is under way"), "{said}");
        assert_eq!(place.json(&["key", "--json", "get", id]).get("rotation"), None::<&Value>);
        assert!(server.is_valid(&key).await);
    }
}
