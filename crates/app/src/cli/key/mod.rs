mod commands;
mod health;
mod pattern;
mod report_leak;

use std::io;
use std::sync::Arc;

use keymint_actix::views::{ChangedKeysView, CreatedView, KeyView, PageView, Reader, UnreadableView, VerdictView};
use keymint_domain::listing::{Page, Total, Unreadable};
use keymint_domain::verify::{DryRun, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyDetails, KeyId, OwnerId, Policy, Timestamp};
use keymint_ports::{DeletedKey, RestoredKey};
use keymint_service::{Caller, ChangeKeys, ChangeRotation, Keys, Revoked, VerifyKey};
use serde_json::{Value, json};

pub(super) use pattern::run as print_patterns;

use super::arguments::{KeyCommand, RotationCommand};
use super::{CliResult, Outcome, output, refused};

/// The columns of a list, unless JSON is requested.
const COLUMNS: [&str; 9] =
    ["id", "name", "start", "referenceId", "configId", "enabled", "remaining", "expiresAt", "createdBy"];

/// The columns of a list of deleted keys, unless JSON is requested.
const DELETED_COLUMNS: [&str; 8] =
    ["id", "name", "start", "referenceId", "configId", "deletedAt", "deletedBy", "restorableUntil"];

/// The columns of a dry run, unless JSON is requested.
const RULE_COLUMNS: [&str; 5] = ["rule", "verdict", "code", "tryAgainIn", "values"];

pub(super) async fn run(keys: &Keys, command: KeyCommand, json: bool) -> CliResult {
    let caller = Caller::Server;
    match command {
        KeyCommand::Create { user, organization, prefix, members } => {
            let request = commands::create(user, organization, prefix, *members)?;
            let minted = keys.create(&caller, request).await.map_err(refused)?;
            output::record(&CreatedView::new(&minted, keys.policy()), json)
        }
        KeyCommand::List(listing) if listing.deleted => {
            let deleted = keys.list_deleted(&caller, commands::list_deleted(listing)?).await.map_err(refused)?;
            let rows: Vec<_> = deleted.iter().map(deleted_row).collect();
            output::table(&json!({ "deletedKeys": rows }), &rows, &DELETED_COLUMNS, json)
        }
        KeyCommand::List(listing) => {
            let request = commands::list(listing, keys.now())?;
            let (limit, offset) = (request.limit, request.offset);
            let page = keys.list(&caller, request).await.map_err(refused)?;
            let mut rows = page.keys.iter().map(|key| in_table(key, keys.policy())).collect::<Result<Vec<_>, _>>()?;
            let unreadable = page.unreadable.iter().map(|Unreadable { id, column }| {
                json!({ "id": id.as_ref().map(KeyId::as_str), "name": format!("(cannot be read: {column})") })
            });
            rows.extend(unreadable);
            let next = offset.unwrap_or(0) + rows.len() as u64;
            if !json && let Some(more) = more_keys(&page, next).filter(|_| !rows.is_empty()) {
                tracing::warn!("{more}: --offset {next} shows the next ones");
            }
            output::table(&PageView::new(&page, limit, offset, Reader::Server, keys.policy()), &rows, &COLUMNS, json)
        }
        KeyCommand::Get { id } => {
            let id = commands::key_id("id", id)?;
            let key = keys.get(&caller, &id, None).await.map_err(refused)?;
            output::record(&KeyView::in_full(&key, Reader::Server, keys.policy()), json)
        }
        KeyCommand::Verify { key, config_id, permissions, cost, settle, client_ip, dry_run } => {
            let key = if key == "-" { io::read_to_string(io::stdin())?.trim_end().to_owned() } else { key };
            let request = commands::verify(key, config_id, permissions, cost, client_ip)?;
            let request = VerifyKey { settle, ..request };
            let presented = request.key.clone();
            let former_end =
                |verdict: &Verdict| verdict.accepted().and_then(|key| key.former_secret_ends_at(&presented));
            if dry_run {
                let run = keys.dry_run(&caller, request).await.map_err(refused)?;
                return show_dry_run(&run, former_end(&run.verdict), json);
            }
            let verdict = keys.verify(&caller, request).await.map_err(refused)?;
            output::record(&VerdictView::new(&verdict, former_end(&verdict)), json)?;
            Ok(if verdict.accepted().is_some() { Outcome::Done } else { Outcome::No })
        }
        KeyCommand::Update { id: Some(id), many: _, enabled, counters, members } => {
            let request = commands::update(id, enabled, counters, *members)?;
            let key = keys.update(&caller, request).await.map_err(refused)?;
            output::record(&KeyView::from(&key).with_rotation_due(&key, keys.policy()), json)
        }
        KeyCommand::Rotate(rotation) => {
            let minted = keys.rotate(&caller, commands::rotate(rotation)?).await.map_err(refused)?;
            output::record(&CreatedView::new(&minted, keys.policy()), json)
        }
        KeyCommand::Rotation { command } => {
            let (id, change) = match command {
                RotationCommand::Cancel { id } => (id, ChangeRotation::Cancel),
                RotationCommand::Finish { id } => (id, ChangeRotation::Finish),
            };
            let id = commands::key_id("keyId", id)?;
            let key = keys.end_rotation_of(&caller, &id, None, change).await.map_err(refused)?;
            output::record(&KeyView::from(&key).with_rotation_due(&key, keys.policy()), json)
        }
        KeyCommand::Update { id: None, many, enabled, counters, members } => {
            change_many(keys, commands::update_many(many, enabled, &counters, *members)?, json).await
        }
        KeyCommand::Revoke { id: Some(id), many: _, config_id: _ } => {
            let id = commands::key_id("id", id)?;
            match keys.revoke(&caller, &id, None).await.map_err(refused)? {
                Revoked::Key(key) => output::record(&KeyView::in_full(&key, Reader::Server, keys.policy()), json),
                Revoked::Unreadable(row) => output::record(&UnreadableView::from(&row), json),
            }
        }
        KeyCommand::Revoke { id: None, many, config_id } => {
            change_many(keys, commands::revoke_many(many, config_id)?, json).await
        }
        KeyCommand::Pattern { scanner } => pattern::run(keys.policy(), scanner, json),
        KeyCommand::Health(arguments) => health::run(keys, arguments, json).await,
        KeyCommand::ReportLeak { source, url } => report_leak::run(keys, &source, &url, json).await,
        KeyCommand::Restore { id } => {
            let id = commands::key_id("keyId", id)?;
            match keys.restore(&caller, &id, None).await.map_err(refused)? {
                RestoredKey::Key(key) => output::record(&KeyView::in_full(&key, Reader::Server, keys.policy()), json),
                RestoredKey::Unreadable(row) => output::record(&UnreadableView::from(&row), json),
            }
        }
        KeyCommand::Delete { id } => {
            let id = commands::key_id("keyId", id)?;
            keys.delete(&caller, &id, None).await.map_err(refused)?;
            output::record(&json!({ "success": true }), json)
        }
    }
}

/// Changes many keys, and prints how many of them.
async fn change_many(keys: &Keys, request: ChangeKeys, json: bool) -> CliResult {
    let dry_run = request.dry_run;
    let outcome = keys.change_many(&Caller::Server, request).await.map_err(refused)?;
    if outcome.unreadable > 0 {
        tracing::warn!(keys = outcome.unreadable, "keys stay as they are, because their rows cannot be read");
    }
    output::record(&ChangedKeysView::new(&outcome, dry_run), json)
}

/// Returns how many keys follow the first `next`, in words; `None` = none.
fn more_keys(page: &Page, next: u64) -> Option<String> {
    let more = page.total.at_least().saturating_sub(next);
    match page.total {
        Total::Exactly(_) if more == 0 => None,
        Total::Exactly(_) if more == 1 => Some("1 more key matches".to_owned()),
        Total::Exactly(_) => Some(format!("{more} more keys match")),
        Total::MoreThan(_) if more == 0 => Some("more keys match".to_owned()),
        Total::MoreThan(_) => Some(format!("more than {more} more keys match")),
    }
}

/// Returns a key for a list, which has no room for metadata.
fn in_table(key: &ApiKey, policy: &Policy) -> serde_json::Result<Value> {
    let details = Arc::new(KeyDetails { metadata: None, ..KeyDetails::clone(&key.details) });
    let key = ApiKey { details, usage: key.usage };
    serde_json::to_value(KeyView::in_full(&key, Reader::Server, policy))
}

/// Returns a deleted key as a list shows it.
fn deleted_row(key: &DeletedKey) -> Value {
    let DeletedKey { id, stub, name, start, deletion } = key;
    json!({
        "id": id.as_str(),
        "name": name,
        "start": start,
        "referenceId": stub.owner.as_ref().map(OwnerId::as_str),
        "configId": stub.config_id.as_ref().map(ConfigId::as_str),
        "deletedAt": deletion.at.to_string(),
        "deletedBy": deletion.by.to_string(),
        "restorableUntil": deletion.until.to_string(),
    })
}

/// Prints the rules of a dry run as a table, with the verdict below.
fn show_dry_run(run: &DryRun, former_ends_at: Option<Timestamp>, json: bool) -> CliResult {
    let answer = serde_json::to_value(VerdictView::of_dry_run(run, former_ends_at))?;
    let mut rules = answer.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
    for rule in &mut rules {
        let values: Vec<_> = rule["values"].as_object().into_iter().flatten().map(output::pair).collect();
        rule["values"] = values.join(" ").into();
    }
    output::table(&answer, &rules, &RULE_COLUMNS, json)?;
    if !json {
        let outcome = run.verdict.refused().map_or("valid", |refusal| refusal.code.as_str());
        output::line(outcome)?;
    }
    Ok(if run.verdict.accepted().is_some() { Outcome::Done } else { Outcome::No })
}
