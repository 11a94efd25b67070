//! Repeats on a restored database what withdrew access after its backup, as an exported log has it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use keymint_domain::key::EditKey;
use keymint_domain::policy::{Cut, RotateSecret};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, Timestamp};
use keymint_service::{Caller, RotateKey, ServiceError, UpdateKey};
use serde_json::{Value, json};

use crate::cli::CliResult;
use crate::cli::output::{self, Form};
use crate::wiring::Services;

const COLUMNS: [&str; 3] = ["subject", "withdrawn", "now"];

/// The last thing that the log says of a key, a server key or a user, if that withdrew access.
#[derive(Debug, Default, PartialEq, Eq)]
struct Withdrawn {
    /// Keys by id: the kind of the event, without `keymint.key.`.
    keys: BTreeMap<String, &'static str>,
    /// The instants at which all secrets of keys but a new one ended, by their ids.
    secrets: BTreeMap<String, Timestamp>,
    server_keys: BTreeMap<String, &'static str>,
    users: BTreeMap<String, &'static str>,
}

/// Reads an exported log, and does again what withdrew access and is not so in the database. With `dry_run` it only says
/// what it would do.
pub(super) async fn run(services: &Services, file: &Path, dry_run: bool, form: Form) -> CliResult {
    let withdrawn = if file == Path::new("-") {
        read(io::stdin().lock())?
    } else {
        let opened = File::open(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        read(BufReader::new(opened))?
    };
    let mut rows = Vec::new();
    // First, while a key that is to be revoked can still be rotated: it may be restored later.
    for (id, at) in &withdrawn.secrets {
        let now = again_on_secret(services, &KeyId::parse(id.as_str())?, *at, dry_run).await?;
        rows.push(json!({ "subject": format!("key {id}"), "withdrawn": "rotated", "now": now }));
    }
    for (id, kind) in &withdrawn.keys {
        let now = again_on_key(services, &KeyId::parse(id.as_str())?, kind, dry_run).await?;
        rows.push(json!({ "subject": format!("key {id}"), "withdrawn": kind, "now": now }));
    }
    let living = services.server_keys.list().await?.into_iter().filter(|key| key.revoked_at.is_none());
    let living: Vec<_> = living.map(|key| key.id).collect();
    for (id, kind) in &withdrawn.server_keys {
        let id = KeyId::parse(id.as_str())?;
        let now = match (living.contains(&id), dry_run) {
            (false, _) => "as it was",
            (true, true) => "to be revoked",
            (true, false) => {
                services.server_keys.revoke(&id).await?;
                "revoked"
            }
        };
        rows.push(json!({ "subject": format!("server key {}", id.as_str()), "withdrawn": kind, "now": now }));
    }
    for (id, kind) in &withdrawn.users {
        let now = if dry_run {
            "to be erased"
        } else if services.identity.erase(id).await?.is_some() {
            "erased"
        } else {
            "unknown"
        };
        rows.push(json!({ "subject": format!("user {id}"), "withdrawn": kind, "now": now }));
    }
    output::table(&json!({ "withdrawn": rows }), &rows, &COLUMNS, form)
}

/// Finds a key; `None` = the database does not have it.
async fn find(services: &Services, id: &KeyId) -> CliResult<Option<ApiKey>> {
    match services.keys.get(&Caller::Server, id, None).await {
        Ok(key) => Ok(Some(key)),
        Err(ServiceError::Refused(ErrorCode::KeyNotFound)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Ends the secrets of a key that a rotation ended at `at`, and that the backup brought back.
///
/// The secret that was new then is not in the backup, and nobody can make it again from the log. The key gets one that is
/// forgotten at once: it keeps its id, counters and limits, and its owner rotates it to get a secret.
async fn again_on_secret(services: &Services, id: &KeyId, at: Timestamp, dry_run: bool) -> CliResult<&'static str> {
    let Some(key) = find(services, id).await? else { return Ok("unknown") };
    let is_done = key.details.rotated_at.is_some_and(|rotated_at| rotated_at >= at);
    if is_done || key.details.revocation.is_some() {
        return Ok("as it was");
    }
    if dry_run {
        return Ok("to be rotated");
    }
    let rotation = RotateSecret { grace_seconds: None, cut: Cut::Now, end_former: true };
    let request = RotateKey { id: id.clone(), config_id: Some(key.details.config_id.clone()), rotation };
    match services.keys.rotate(&Caller::Server, request).await {
        Ok(_) => Ok("rotated"),
        Err(ServiceError::Refused(ErrorCode::KeyExpired)) => Ok("as it was"),
        // Its configuration is gone, so that no secret can be made for it.
        Err(ServiceError::Refused(_)) => {
            services.keys.revoke(&Caller::Server, id, None).await?;
            Ok("revoked")
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a key as unusable as it was. A deleted one is revoked, so that it stays visible.
async fn again_on_key(services: &Services, id: &KeyId, kind: &str, dry_run: bool) -> CliResult<&'static str> {
    let caller = Caller::Server;
    let Some(key) = find(services, id).await? else { return Ok("unknown") };
    let is_disabled = !key.details.enabled;
    let is_revoked = key.details.revocation.is_some();
    let is_done = is_revoked || kind == "disabled" && is_disabled;
    Ok(match (kind, dry_run) {
        _ if is_done => "as it was",
        ("disabled", true) => "to be disabled",
        (_, true) => "to be revoked",
        ("disabled", false) => {
            let edit = EditKey { enabled: Some(false), ..EditKey::default() };
            let config_id: Option<ConfigId> = Some(key.details.config_id.clone());
            services.keys.update(&caller, UpdateKey { id: id.clone(), config_id, owner: None, edit }).await?;
            "disabled"
        }
        (_, false) => {
            services.keys.revoke(&caller, id, None).await?;
            "revoked"
        }
    })
}

/// Reads the lines of an export, and keeps the last state of each subject.
fn read(lines: impl BufRead) -> CliResult<Withdrawn> {
    let mut withdrawn = Withdrawn::default();
    for (number, line) in (1..).zip(lines.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let event: Value = serde_json::from_str(&line)
            .ok()
            .filter(|event: &Value| event["type"].is_string() && event["position"].is_u64())
            .ok_or_else(|| format!("line {number} is no event: export the log in the form `json`"))?;
        let id = |member: &str| event[member].as_str().map(str::to_owned);
        match (event["type"].as_str().unwrap_or_default(), id("keyId"), id("ownerId")) {
            ("keymint.key.revoked", Some(key), _) => _ = withdrawn.keys.insert(key, "revoked"),
            // What is more than that stays.
            // A rotation with grace withdraws nothing: its former secret was to live on for a while.
            ("keymint.key.rotated", Some(key), _) if event["details"]["now"] == true => {
                let at = event["time"].as_str().and_then(|at| Timestamp::parse(at).ok());
                let at = at.ok_or_else(|| format!("line {number} has no `time`"))?;
                withdrawn.secrets.insert(key, at);
            }
            ("keymint.key.disabled", Some(key), _) => _ = withdrawn.keys.entry(key).or_insert("disabled"),
            ("keymint.key.deleted", Some(key), _) => _ = withdrawn.keys.insert(key, "deleted"),
            // A leak that is no more than told withdraws nothing.
            ("keymint.key.leaked", Some(key), _) if event["details"]["action"] != "notify" => {
                _ = withdrawn.keys.insert(key, "leaked");
            }
            // It is as usable as it was before its deletion.
            ("keymint.key.restored", Some(key), _) if event["details"]["undeleted"] == true => {
                let before = &event["details"]["key"];
                if before["revokedAt"].is_string() {
                    withdrawn.keys.insert(key, "revoked");
                } else if before["enabled"] == false {
                    withdrawn.keys.insert(key, "disabled");
                } else if before.is_object() {
                    withdrawn.keys.remove(&key);
                }
            }
            ("keymint.key.restored" | "keymint.key.enabled", Some(key), _) => _ = withdrawn.keys.remove(&key),
            // It is another key of the same id.
            ("keymint.key.created" | "keymint.key.imported", Some(key), _) => {
                withdrawn.keys.remove(&key);
                withdrawn.secrets.remove(&key);
            }
            ("keymint.server_key.revoked", Some(key), _) => _ = withdrawn.server_keys.insert(key, "revoked"),
            ("keymint.user.erased", _, Some(user)) => _ = withdrawn.users.insert(user, "erased"),
            _ => {}
        }
    }
    Ok(withdrawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_of_a_key_counts() {
        let line = |number: u64, kind: &str, id: &str| {
            json!({ "position": number, "type": format!("keymint.{kind}"), "keyId": id, "ownerId": "ada" }).to_string()
        };
        let undeleted = |number: u64, id: &str, key: &Value| {
            let data = json!({ "undeleted": true, "key": key });
            json!({ "position": number, "type": "keymint.key.restored", "keyId": id, "ownerId": "ada", "details": data })
                .to_string()
        };
        let lines = [
            line(1, "key.created", "a"),
            line(2, "key.revoked", "a"),
            line(3, "key.disabled", "b"),
            line(4, "key.restored", "a"),
            line(5, "key.deleted", "c"),
            line(6, "server_key.revoked", "s"),
            line(7, "user.erased", ""),
            line(8, "key.updated", "b"),
            line(9, "key.leaked", "l"),
            line(10, "key.leaked", "n").replace('}', r#","details":{"action":"notify"}}"#),
            line(9, "key.deleted", "d"),
            undeleted(10, "d", &json!({ "enabled": true, "revokedAt": null })),
            line(11, "key.deleted", "e"),
            undeleted(12, "e", &json!({ "enabled": false, "revokedAt": "2023-11-14T22:13:20.000Z" })),
            line(13, "key.deleted", "f"),
            undeleted(14, "f", &json!({ "enabled": false, "revokedAt": null })),
            line(15, "key.deleted", "g"),
            undeleted(16, "g", &json!(null)),
            String::new(),
        ];
        let withdrawn = read(lines.join("\n").as_bytes()).unwrap();
        assert_eq!(
            withdrawn.keys.into_iter().collect::<Vec<_>>(),
            [
                ("b", "disabled"),
                ("c", "deleted"),
                ("e", "revoked"),
                ("f", "disabled"),
                ("g", "deleted"),
                ("l", "leaked"),
            ]
            .map(|(id, kind)| (id.to_owned(), kind))
        );
        assert_eq!(withdrawn.server_keys.len(), 1);
        assert!(withdrawn.users.contains_key("ada"));
    }

    #[test]
    fn a_rotation_that_ended_a_secret_at_once_is_repeated() {
        let rotated = |number: u64, id: &str, now: bool, time: &Value| {
            let details = json!({ "now": now, "replaced": false });
            json!({ "position": number, "type": "keymint.key.rotated", "keyId": id, "time": time, "details": details })
                .to_string()
        };
        let time = |second: u64| json!(format!("2023-11-14T22:13:2{second}.000Z"));
        let created = json!({ "position": 6, "type": "keymint.key.imported", "keyId": "c" }).to_string();
        let lines = [
            rotated(1, "a", true, &time(1)),
            rotated(2, "a", true, &time(2)),
            rotated(3, "a", false, &time(3)),
            rotated(4, "b", false, &time(4)),
            rotated(5, "c", true, &time(5)),
            created,
        ];
        let secrets = read(lines.join("\n").as_bytes()).unwrap().secrets;
        let last = Timestamp::parse("2023-11-14T22:13:22.000Z").unwrap();
        assert_eq!(secrets, BTreeMap::from([("a".to_owned(), last)]));
        let error = read(rotated(1, "a", true, &Value::Null).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 1 has no `time`");
    }

    #[test]
    fn a_file_of_another_form_is_refused() {
        for text in ["nonsense", "{}", r#"{"specversion":"1.0","type":"keymint.key.revoked"}"#] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert_eq!(error, "line 1 is no event: export the log in the form `json`");
        }
    }
}
