use std::collections::{HashMap, HashSet};

use keymint_domain::key::StoredKey;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Ledger};
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row as _, query, query_scalar};

use super::changes::{Changes, set_from_changes};
use super::events::{INSERT_EVENTS, NewEvents};
use super::find::{Further, either, fetch_either, find, forms_of, read_row, read_rows, secrets_of, texts_of};
use super::optimistic::{UPDATE_IN_SHARD, read_version};
use super::version::Version;
use super::{Answers, Table};
use crate::connection::{BEGIN, bind};
use crate::dialect::{SHARDED, WHOLE};
use crate::error::store_error;
use keymint_store_sql::keys::{Secrets, rotation_changes};

const UPDATE: &str = concat!(
    r#"update "apikey" as k "#,
    set_from_changes!(),
    r#"from unnest($1, $2, $3, $4, $5, $6, $7)
            as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at)
        where k."id" = c.id"#
);

/// The condition that the secret in use of a row is among those of the first placeholder.
macro_rules! in_use {
    () => {
        r#"k."key" = any($1)"#
    };
}

macro_rules! lock {
    ($condition:ident, $skip:literal) => {
        concat!(
            r#"select k."id" from "apikey" as k where "#,
            $condition!(),
            r#" order by k."id" collate "C" for update"#,
            $skip
        )
    };
}

/// The treatment of rows that somebody else has locked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Others {
    /// Wait for them.
    Wait,
    /// Leave them: the attempts on them are answered [`StoreError::Locked`].
    Skip,
}

/// Settles all attempts in one transaction that holds the lock on their rows.
pub(super) async fn settle(
    connection: &mut PgConnection,
    table: Table<'_>,
    others: Others,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Answers, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let locked = match lock(&mut transaction, table, others, forms_of(attempts)).await {
        Ok(locked) => locked,
        Err(error) => {
            let error = store_error(error);
            if matches!(error, StoreError::Locked) {
                transaction.rollback().await.map_err(store_error)?;
            }
            return Err(error);
        }
    };
    let (held, rows) = (locked.ids, read_in_use(&mut transaction, table, attempts).await?);
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    let unfound: Vec<&Attempt> = ledger.unfound(attempts.iter().copied()).collect();
    let mut further = Further::default();
    if !unfound.is_empty() {
        further = fetch_either(&mut transaction, table, forms_of(&unfound)).await.map_err(store_error)?;
        ledger.add(read_rows(&further, &unfound));
    }
    // A row that exists and is not locked by us decides nothing, even if another row has the same text.
    let beyond: HashSet<&str> = rows.iter().chain(&further.rows).flat_map(|row| beyond_reach(row, &held)).collect();
    let is_free = |attempt: &Attempt| !attempt.stored_forms().any(|form| beyond.contains(form.as_str()));
    let free = attempts.iter().copied().filter(|attempt| is_free(attempt));
    let mut verdicts = ledger.settle(free, policy, now).into_iter();
    // The texts under which the rows are, and not those under which the ledger leaves them.
    let before: HashMap<&str, Secrets> = rows.iter().chain(&further.rows).filter_map(secrets_before).collect();
    let (changed, rotations) = (ledger.changes().collect::<Vec<_>>(), ledger.rotations().collect::<Vec<_>>());
    if changed.is_empty() && rotations.is_empty() {
        transaction.rollback().await.map_err(store_error)?;
    } else {
        let versions = rows.iter().chain(&further.rows).filter_map(read_version).collect();
        write(&mut transaction, table, changed, &before, &versions).await?;
        let dialect = if table.shards.is_some() { SHARDED } else { WHOLE };
        for key in rotations {
            let Some(before) = before.get(key.details.id.as_str()) else { continue };
            for change in rotation_changes(dialect, before, key) {
                bind(change).execute(&mut *transaction).await.map_err(store_error)?;
            }
        }
        let events = ledger.events(policy, now);
        if !events.is_empty() {
            let insert = NewEvents::of(&events).bind(query(INSERT_EVENTS));
            insert.execute(&mut *transaction).await.map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)?;
    }
    let locked = || Err(StoreError::Locked);
    let answer = |attempt: &&Attempt| if is_free(attempt) { verdicts.next().unwrap_or_else(locked) } else { locked() };
    Ok(attempts.iter().map(answer).collect())
}

/// The rows that are locked.
struct Locked {
    ids: HashSet<String>,
}

/// Locks the rows of which any secret is among these forms: in shards those of one after the other.
async fn lock(
    connection: &mut PgConnection,
    table: Table<'_>,
    others: Others,
    forms: Vec<&str>,
) -> Result<Locked, sqlx::Error> {
    let ids = match table.shards {
        None => {
            let lock = match others {
                Others::Wait => lock!(either, ""),
                Others::Skip => lock!(either, " skip locked"),
            };
            query_scalar(lock).bind(forms).fetch_all(connection).await?
        }
        Some(shards) => {
            let lock = match others {
                Others::Wait => lock!(in_use, ""),
                Others::Skip => lock!(in_use, " skip locked"),
            };
            let mut ids: Vec<String> = Vec::new();
            let texts = texts_of(connection, shards, forms).await?;
            for texts in shards.divide(texts.iter().map(String::as_str).collect()) {
                ids.extend(query_scalar::<_, String>(lock).bind(texts).fetch_all(&mut *connection).await?);
            }
            ids
        }
    };
    Ok(Locked { ids: ids.into_iter().collect() })
}

async fn read_in_use(
    connection: &mut PgConnection,
    table: Table<'_>,
    attempts: &[&Attempt],
) -> Result<Vec<PgRow>, StoreError> {
    let find = query(find(table.owner_columns)).bind(forms_of(attempts));
    find.fetch_all(connection).await.map_err(store_error)
}

/// Writes changed counters of rows that are locked: in shards those of one after the other.
///
/// A lock is one of one node. If its shard has moved to another node meanwhile, somebody else may have written the row there, so
/// that its version must be the one that was read.
///
/// # Errors
/// [`StoreError::Locked`] if it is another one, [`StoreError::Unavailable`]
async fn write(
    connection: &mut PgConnection,
    table: Table<'_>,
    changed: Vec<&ApiKey>,
    before: &HashMap<&str, Secrets>,
    versions: &HashMap<&str, Version>,
) -> Result<(), StoreError> {
    let Some(shards) = table.shards else {
        if let Some(changes) = Changes::of(changed)? {
            changes.bind(UPDATE).execute(connection).await.map_err(store_error)?;
        }
        return Ok(());
    };
    let named = changed.into_iter().filter_map(|key| {
        let text = before.get(key.details.id.as_str())?.stored.as_str();
        Some((text, (text, key)))
    });
    for rows in shards.divide_by(named) {
        let (texts, keys): (Vec<&str>, Vec<&ApiKey>) = rows.into_iter().unzip();
        if let Some(changes) = Changes::of(keys)? {
            let versions: Vec<Option<Version>> = changes.ids.iter().map(|id| versions.get(id).copied()).collect();
            let expected = versions.len();
            let update = changes.bind(UPDATE_IN_SHARD).bind(versions).bind(texts);
            let written = update.execute(&mut *connection).await.map_err(store_error)?.rows_affected();
            if usize::try_from(written).ok() != Some(expected) {
                return Err(StoreError::Locked);
            }
        }
    }
    Ok(())
}

/// Returns the id of a row with its secrets.
fn secrets_before(row: &PgRow) -> Option<(&str, Secrets)> {
    let text = |column| row.try_get::<Option<&str>, _>(column).ok().flatten().map(StoredKey::from_stored);
    Some((row.try_get("id").ok()?, Secrets { stored: text("key")?, second: text("keymint_second_key") }))
}

/// Returns the texts that a row is kept under, unless the row is `held`.
fn beyond_reach<'r>(row: &'r PgRow, held: &HashSet<String>) -> impl Iterator<Item = &'r str> + use<'r> {
    let is_held = row.try_get::<&str, _>("id").is_ok_and(|id| held.contains(id));
    secrets_of(row).filter(move |_| !is_held)
}
