//! Deleted keys come back on the command line, and as they were in the log.

use serde_json::{Value, json};

use crate::process::places;

#[tokio::test(flavor = "multi_thread")]
async fn deleted_keys_are_listed_and_restored_beside_a_running_server() {
    for place in places().await {
        std::fs::write(place.path().join("keymint.toml"), "[[api_key]]\nundelete_days = 1\n").unwrap();
        let server = place.serve();
        let key = place.json(&["key", "create", "--user", "ada", "--name", "ci", "--remaining", "5", "--json"]);
        let other = place.json(&["key", "create", "--user", "bob", "--json"]);
        assert!(server.is_valid(&key).await && server.is_valid(&other).await);
        let (id, others) = (key["id"].as_str().unwrap(), other["id"].as_str().unwrap());
        let before = place.json(&["key", "get", id, "--json"]);
        for id in [id, others] {
            assert_eq!(place.json(&["key", "delete", id, "--json"]), json!({ "success": true }));
        }
        assert!(!server.is_valid(&key).await);
        assert_eq!(place.json(&["key", "list", "--json"])["total"], 0);
        let deleted = place.json(&["key", "list", "--deleted", "--user", "ada", "--json"]);
        let [row] = &deleted["deletedKeys"].as_array().unwrap()[..] else { panic!("{deleted}") };
        assert_eq!((&row["id"], &row["name"], &row["referenceId"]), (&json!(id), &json!("ci"), &json!("ada")));
        assert_eq!((&row["deletedBy"], &row["configId"]), (&json!("server"), &json!("default")));
        assert!(row["restorableUntil"].as_str() > row["deletedAt"].as_str(), "{row}");
        let table = place.run(&["key", "list", "--deleted"]);
        let table = String::from_utf8(table.stdout).unwrap();
        assert!(
            table.contains(id) && table.contains(others) && !table.contains(key["key"].as_str().unwrap()),
            "{table}"
        );

        assert_eq!(place.json(&["key", "restore", id, "--json"]), before);
        assert!(server.is_valid(&key).await && !server.is_valid(&other).await);
        let again = place.run(&["key", "restore", id]);
        assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("API Key not found"));
        assert!(!place.run(&["key", "list", "--deleted", "--state", "active"]).status.success());
        let events = place.run(&["audit", "list", "--json"]);
        let events: Value = serde_json::from_slice(&events.stdout).unwrap();
        let told = events.to_string();
        assert!(told.contains("keymint.key.deleted") && told.contains("keymint.key.restored"), "{told}");
    }
}
