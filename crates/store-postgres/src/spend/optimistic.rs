use std::collections::{HashMap, HashSet};

use keymint_domain::event::Event;
use keymint_domain::key::StoredKey;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Ledger, Owner, Verdict};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Connection as _, Postgres, Row as _, query};

use super::changes::{Changes, set_from_changes};
use super::events::{INSERT_EVENTS, NewEvents, insert_events};
use super::find::{Further, fetch_either, find, forms_of, read_row, read_rows};
use super::remembered::{Remembered, RememberedRows};
use super::version::Version;
use super::{Failed, Table};
use crate::connection::BEGIN;
use crate::error::{is_broken, lost_race, store_error};

macro_rules! update {
    ($($of_shard:literal)?) => {
        concat!(
            r#"update "apikey" as k "#,
            set_from_changes!(),
            r#"from unnest($1, $2, $3, $4, $5, $6, $7, $8)
                    as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at, version)
                where k."id" = c.id and k.xmin = c.version"#,
            $($of_shard,)?
            r#" returning k."id", k.xmin as "version""#
        )
    };
}

/// Writes the rows whose versions are unchanged, and returns their ids with their new versions. If the statement had to
/// wait for another write of a row, the version has changed, and the row is left alone.
///
/// The rows come in the order of ids, and are written in it, so two processes do not deadlock. If the server ever
/// chooses another order, it aborts one of the two, which counts as a conflict.
pub(super) const UPDATE: &str = update!();

/// The same for rows of one shard, which is found by their texts.
pub(super) const UPDATE_IN_SHARD: &str = update!(r#" and k."key" = any($9)"#);

/// Also adds the events of the rows that are written: `id` of a row that lost its race is not in `written`.
const UPDATE_WITH_EVENTS: &str = concat!(
    "with written as (",
    update!(),
    "), recorded as (",
    insert_events!("$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16"),
    r#"where e."key_id" in (select "id" from written) on conflict ("id") do nothing)
        select "id", "version" from written"#,
);

/// Settles attempts on remembered rows, or else on rows that it reads, and writes the rows that are unchanged. `None`
/// means that the answer does not count, and nothing of it was written: the attempt's row has changed, or the answer
/// was decided on a remembered row that is not written, so nothing proves that the row is current.
pub(super) async fn settle(
    connection: &mut PgConnection,
    table: Table<'_>,
    known: Option<&RememberedRows>,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Option<Result<Verdict, StoreError>>>, Failed> {
    let remembered = known.map(|known| known.take(attempts.iter().map(|attempt| attempt.hash()), now));
    let remembered: HashMap<StoredKey, Remembered> = remembered.into_iter().flatten().collect();
    let is_remembered = |attempt: &Attempt| remembered.contains_key(attempt.hash());
    let unknown: Vec<&Attempt> = attempts.iter().copied().filter(|attempt| !is_remembered(attempt)).collect();
    let rows = if unknown.is_empty() { Vec::new() } else { read(connection, table, &unknown).await? };
    let recall = |(stored, row): (&StoredKey, &Remembered)| (stored.clone(), Ok((row.key.clone(), Owner::Absent)));
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row).chain(remembered.iter().map(recall)));
    let unfound: Vec<&Attempt> = ledger.unfound(attempts.iter().copied()).collect();
    let further = if unfound.is_empty() {
        Further::default()
    } else {
        // Rare and large, as what is written in a shard.
        Box::pin(fetch_either(connection, table, forms_of(&unfound))).await.map_err(unread)?
    };
    ledger.add(read_rows(&further, &unfound));
    let verdicts = ledger.settle(attempts.iter().copied(), policy, now);

    // Of a row that was read twice, the later version counts, in the ledger too.
    let mut versions: HashMap<&str, Version> = rows.iter().chain(&further.rows).filter_map(read_version).collect();
    versions.extend(remembered.values().map(|row| (row.key.details.id.as_str(), row.version)));
    // A change of a rotation is written with locks alone: it changes the text that the row is found under.
    let turned: HashSet<&str> = ledger.rotations().map(|key| key.details.id.as_str()).collect();
    let changes = || ledger.changes().filter(|key| !turned.contains(key.details.id.as_str()));
    let (mut written, events) = (HashMap::new(), ledger.events(policy, now));
    for keys in table.divide(changes().collect()) {
        if let Some(changes) = Changes::of(keys)? {
            written.extend(write(connection, table, changes, &versions, &events).await?);
        }
    }
    if let Some(known) = known {
        let kept = changes().filter(|key| key.details.rotation.is_none());
        known.keep(kept.filter_map(|key| Some((key, *written.get(key.details.id.as_str())?))), now);
    }
    let lost: HashSet<&str> =
        changes().map(|key| key.details.id.as_str()).filter(|id| !written.contains_key(*id)).collect();
    // A text may be of two keys. One that was charged is not judged again because the rotation of the other has changed.
    let counts = |attempt: &Attempt, answer: &Result<Verdict, StoreError>| match key_of(answer) {
        Some(id) if turned.contains(id.as_str()) => false,
        Some(id) if is_remembered(attempt) => written.contains_key(id.as_str()),
        Some(id) => !lost.contains(id.as_str()),
        None if !turned.is_empty() && ledger.has_turned(attempt) => false,
        None => !is_remembered(attempt),
    };
    let answers = attempts.iter().zip(verdicts);
    Ok(answers.map(|(attempt, answer)| counts(attempt, &answer).then_some(answer)).collect())
}

/// Reads the rows of the secrets in use of these attempts.
async fn read(connection: &mut PgConnection, table: Table<'_>, attempts: &[&Attempt]) -> Result<Vec<PgRow>, Failed> {
    let find = query(find(table.owner_columns));
    find.bind(forms_of(attempts)).fetch_all(connection).await.map_err(unread)
}

fn unread(error: sqlx::Error) -> Failed {
    let failed = if is_broken(&error) { Failed::Unwritten } else { Failed::Otherwise };
    failed(store_error(error))
}

/// Writes the changes whose rows still have these versions, with their events. Returns the ids of the rows with their new versions.
async fn write(
    connection: &mut PgConnection,
    table: Table<'_>,
    mut changes: Changes<'_>,
    versions: &HashMap<&str, Version>,
    events: &[Event],
) -> Result<HashMap<String, Version>, StoreError> {
    let versions: Vec<Option<Version>> = changes.ids.iter().map(|id| versions.get(id).copied()).collect();
    if table.shards.is_some() {
        let is_of_these =
            |event: &&Event| event.subject.key_id.as_ref().is_some_and(|id| changes.ids.contains(&id.as_str()));
        let events: Vec<&Event> = events.iter().filter(is_of_these).collect();
        let texts = changes.take_texts();
        let update = changes.bind(UPDATE_IN_SHARD).bind(versions).bind(texts);
        return Box::pin(write_in_shard(connection, update, &events)).await;
    }
    let update = if events.is_empty() {
        changes.bind(UPDATE).bind(versions)
    } else {
        NewEvents::of(events).bind(changes.bind(UPDATE_WITH_EVENTS).bind(versions))
    };
    written_by(update.fetch_all(connection).await)
}

/// Writes the rows of a shard. Their events are on another node, so that both take a transaction.
async fn write_in_shard(
    connection: &mut PgConnection,
    update: Query<'_, Postgres, PgArguments>,
    events: &[&Event],
) -> Result<HashMap<String, Version>, StoreError> {
    if events.is_empty() {
        return written_by(update.fetch_all(connection).await);
    }
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let written = written_by(update.fetch_all(&mut *transaction).await)?;
    let is_written =
        |event: &&&Event| event.subject.key_id.as_ref().is_some_and(|id| written.contains_key(id.as_str()));
    let events: Vec<Event> = events.iter().filter(is_written).map(|event| (*event).clone()).collect();
    if !events.is_empty() {
        let insert = NewEvents::of(&events).bind(query(INSERT_EVENTS));
        insert.execute(&mut *transaction).await.map_err(store_error)?;
    }
    transaction.commit().await.map_err(store_error)?;
    Ok(written)
}

fn written_by(outcome: Result<Vec<PgRow>, sqlx::Error>) -> Result<HashMap<String, Version>, StoreError> {
    let written = match outcome {
        Ok(written) => written,
        Err(error) if lost_race(&error) => Vec::new(),
        Err(error) => return Err(store_error(error)),
    };
    Ok(written.iter().filter_map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect())
}

pub(super) fn read_version(row: &PgRow) -> Option<(&str, Version)> {
    Some((row.try_get("id").ok()?, row.try_get("version").ok()?))
}

/// Returns the key whose row an answer was decided on.
fn key_of(answer: &Result<Verdict, StoreError>) -> Option<&KeyId> {
    match answer {
        Ok(Verdict::Accepted(key)) => Some(&key.details.id),
        Ok(Verdict::Refused(refusal)) => refusal.key_id(),
        Err(_) => None,
    }
}
