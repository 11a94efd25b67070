mod backend;
mod commands;
mod health;
mod pattern;
mod report_leak;
mod tables;

use std::io;

use keymint_actix::views::ChangedKeysView;
use keymint_domain::listing::{ListQuery, Search};
use keymint_domain::{ConfigId, ErrorCode, OwnerId, Timestamp};
use keymint_ports::DeletedKey;
use keymint_service::{Caller, ChangeKeys, ChangeRotation, Keys, ListKeys, VerifyKey};
use serde_json::{Value, json};

use backend::{Answer, Embedded, KeyBackend};

pub(super) use backend::Remote;
pub(super) use pattern::run as print_patterns;

use super::arguments::{KeyCommand, RotationCommand};
use super::output::{self, Form};
use super::{CliResult, Misused, Outcome, Refused, progress, refused};
use tables::{Listed, Verdict};

/// The columns of a list of deleted keys.
const DELETED_COLUMNS: [&str; 8] =
    ["id", "name", "start", "referenceId", "configId", "deletedAt", "deletedBy", "restorableUntil"];

/// Runs a command on the keys of the configured database.
pub(super) async fn run_on_database(keys: &Keys, command: KeyCommand, form: Form) -> CliResult {
    match command {
        KeyCommand::List(listing) if listing.deleted => {
            let request = commands::list_deleted(listing)?;
            let deleted = keys.list_deleted(&Caller::Server, request).await.map_err(refused)?;
            let rows: Vec<_> = deleted.iter().map(deleted_row).collect();
            output::table(&json!({ "deletedKeys": rows }), &rows, &DELETED_COLUMNS, form)
        }
        KeyCommand::Update { id: None, many, enabled, counters, members } => {
            change_many(keys, commands::update_many(many, enabled, &counters, *members)?, form).await
        }
        KeyCommand::Revoke { id: None, many, config_id } => {
            change_many(keys, commands::revoke_many(many, config_id)?, form).await
        }
        KeyCommand::Pattern { scanner } => pattern::run(keys.policy(), scanner, form),
        KeyCommand::Health(arguments) => health::run(keys, arguments, form).await,
        KeyCommand::ReportLeak { source, found_at } => report_leak::run(keys, &source, &found_at, form).await,
        other => run(&Embedded(keys), other, keys.now(), form).await,
    }
}

/// Runs a command on the keys of either backend.
///
/// # Errors
///
/// Returns [`Misused`] for a command that needs the database.
pub(super) async fn run(keys: &dyn KeyBackend, command: KeyCommand, now: Timestamp, form: Form) -> CliResult {
    match command {
        KeyCommand::Create { user, organization, prefix, members } => {
            let request = commands::create(user, organization, prefix, *members)?;
            output::secret(&keys.create(request).await?, "key", form)
        }
        KeyCommand::List(listing) if !listing.deleted => {
            let request = commands::list(listing, now)?;
            let offset = request.offset.unwrap_or(0);
            tables::list(&keys.list(request).await?, offset, form)
        }
        KeyCommand::Get { id } => output::record(&find(keys, id).await?, form),
        KeyCommand::Verify { key, config_id, permissions, cost, settle, client_ip, dry_run } => {
            let key = if key == "-" { io::read_to_string(io::stdin())?.trim_end().to_owned() } else { key };
            let request = commands::verify(key, config_id, permissions, cost, client_ip)?;
            let request = VerifyKey { settle, ..request };
            let answer = if dry_run {
                let answer = keys.dry_run(request).await?;
                tables::dry_run(&answer, form)?;
                answer
            } else {
                let answer = keys.verify(request).await?;
                output::record(&answer, form)?;
                answer
            };
            Ok(if Verdict::read(&answer)?.valid { Outcome::Done } else { Outcome::No })
        }
        KeyCommand::Update { id: Some(id), many: _, enabled, counters, members } => {
            output::record(&keys.update(commands::update(id, enabled, counters, *members)?).await?, form)
        }
        KeyCommand::Rotate(rotation) => output::secret(&keys.rotate(commands::rotate(rotation)?).await?, "key", form),
        KeyCommand::Rotation { command } => {
            let (id, change) = match command {
                RotationCommand::Cancel { id } => (id, ChangeRotation::Cancel),
                RotationCommand::Finish { id } => (id, ChangeRotation::Finish),
            };
            output::record(&keys.end_rotation(&commands::key_id("keyId", id)?, change).await?, form)
        }
        KeyCommand::Revoke { id: Some(id), many: _, config_id: _ } => {
            output::record(&keys.revoke(&commands::key_id("id", id)?).await?, form)
        }
        KeyCommand::Restore { id } => output::record(&keys.restore(&commands::key_id("keyId", id)?).await?, form),
        KeyCommand::Delete { id } => output::record(&keys.delete(&commands::key_id("keyId", id)?).await?, form),
        KeyCommand::List(_)
        | KeyCommand::Update { id: None, .. }
        | KeyCommand::Revoke { id: None, .. }
        | KeyCommand::Pattern { .. }
        | KeyCommand::Health(_)
        | KeyCommand::ReportLeak { .. } => {
            let message = "this command works on the database, and not on a server: leave out --url and KEYMINT_URL";
            Err(Misused(message.to_owned()).into())
        }
    }
}

/// Finds a key by its id, or else by the first characters of its text.
async fn find(keys: &dyn KeyBackend, text: String) -> CliResult<Answer> {
    let missing = match keys.get(&commands::key_id("id", text.clone())?).await {
        Err(error) if Refused::has_code(error.as_ref(), ErrorCode::KeyNotFound) => error,
        answer => return answer,
    };
    let Ok(search) = Search::parse(text.clone()) else { return Err(missing) };
    let mut request = ListKeys { limit: Some(ListQuery::MAX_LIMIT), ..ListKeys::default() };
    request.filter.search = Some(search);
    let page = keys.list(request).await?;
    let found = Listed::read(&page)?.ids_by_start(&text);
    match &*found {
        [] => Err(missing),
        [id] => keys.get(&commands::key_id("id", id.clone())?).await,
        ids => Err(Refused::because(format!("{} keys begin so: {}", ids.len(), ids.join(" "))).into()),
    }
}

/// Changes many keys, and prints how many of them.
async fn change_many(keys: &Keys, request: ChangeKeys, form: Form) -> CliResult {
    let dry_run = request.dry_run;
    let changing = keys.change_many(&Caller::Server, request);
    let outcome = progress::while_waiting("changing keys", changing).await.map_err(refused)?;
    if outcome.unreadable > 0 {
        tracing::warn!(keys = outcome.unreadable, "keys stay as they are, because their rows cannot be read");
    }
    output::record(&ChangedKeysView::new(&outcome, dry_run), form)
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
