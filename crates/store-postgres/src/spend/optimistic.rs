use std::collections::{HashMap, HashSet};

use keymint_domain::event::Event;
use keymint_domain::key::StoredKey;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Ledger, Owner, Verdict};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row as _, query};

use super::Failed;
use super::changes::{Changes, set_from_changes};
use super::events::{NewEvents, insert_events};
use super::find::{find, find_either, forms_of, read_row, read_rows};
use super::remembered::{Remembered, RememberedRows};
use super::version::Version;
use crate::error::{is_broken, lost_race, store_error};
use keymint_store_sql::OwnerColumns;

macro_rules! update {
    () => {
        concat!(
            r#"update "apikey" as k "#,
            set_from_changes!(),
            r#"from unnest($1, $2, $3, $4, $5, $6, $7, $8)
                    as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at, version)
                where k."id" = c.id and k.xmin = c.version
                returning k."id", k.xmin as "version""#
        )
    };
}

/// Writes the rows whose versions are unchanged, and returns their ids with their new versions. If the statement had to
/// wait for another write of a row, the version has changed, and the row is left alone.
///
/// The rows come in the order of ids, and are written in it, so two processes do not deadlock. If the server ever
/// chooses another order, it aborts one of the two, which counts as a conflict.
pub(super) const UPDATE: &str = update!();

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
    owner_columns: OwnerColumns,
    known: Option<&RememberedRows>,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Option<Result<Verdict, StoreError>>>, Failed> {
    let remembered = known.map(|known| known.take(attempts.iter().map(|attempt| attempt.hash()), now));
    let remembered: HashMap<StoredKey, Remembered> = remembered.into_iter().flatten().collect();
    let is_remembered = |attempt: &Attempt| remembered.contains_key(attempt.hash());
    let unknown: Vec<&Attempt> = attempts.iter().copied().filter(|attempt| !is_remembered(attempt)).collect();
    let rows = if unknown.is_empty() { Vec::new() } else { read(connection, find(owner_columns), &unknown).await? };
    let recall = |(stored, row): (&StoredKey, &Remembered)| (stored.clone(), Ok((row.key.clone(), Owner::Absent)));
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row).chain(remembered.iter().map(recall)));
    let unfound: Vec<&Attempt> = ledger.unfound(attempts.iter().copied()).collect();
    let further =
        if unfound.is_empty() { Vec::new() } else { read(connection, find_either(owner_columns), &unfound).await? };
    ledger.add(read_rows(&further, &unfound));
    let verdicts = ledger.settle(attempts.iter().copied(), policy, now);

    // Of a row that was read twice, the later version counts, in the ledger too.
    let mut versions: HashMap<&str, Version> = rows.iter().chain(&further).filter_map(read_version).collect();
    versions.extend(remembered.values().map(|row| (row.key.details.id.as_str(), row.version)));
    // A change of a rotation is written with locks alone: it changes the text that the row is found under.
    let turned: HashSet<&str> = ledger.rotations().map(|key| key.details.id.as_str()).collect();
    let changes = || ledger.changes().filter(|key| !turned.contains(key.details.id.as_str()));
    let written = match Changes::of(changes())? {
        None => HashMap::new(),
        Some(changes) => write(connection, changes, &versions, &ledger.events(policy, now)).await?,
    };
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

/// Reads the rows of these attempts by one of the statements that find rows.
async fn read(connection: &mut PgConnection, find: &'static str, attempts: &[&Attempt]) -> Result<Vec<PgRow>, Failed> {
    let find = query(find);
    let rows = find.bind(forms_of(attempts)).fetch_all(connection).await;
    rows.map_err(|error| {
        let failed = if is_broken(&error) { Failed::Unwritten } else { Failed::Otherwise };
        failed(store_error(error))
    })
}

/// Writes the changes whose rows still have these versions, with their events. Returns the ids of the rows with their new versions.
async fn write(
    connection: &mut PgConnection,
    changes: Changes<'_>,
    versions: &HashMap<&str, Version>,
    events: &[Event],
) -> Result<HashMap<String, Version>, StoreError> {
    let versions: Vec<Option<Version>> = changes.ids.iter().map(|id| versions.get(id).copied()).collect();
    let update = if events.is_empty() {
        changes.bind(UPDATE).bind(versions)
    } else {
        NewEvents::of(events).bind(changes.bind(UPDATE_WITH_EVENTS).bind(versions))
    };
    let written = match update.fetch_all(connection).await {
        Ok(written) => written,
        Err(error) if lost_race(&error) => Vec::new(),
        Err(error) => return Err(store_error(error)),
    };
    Ok(written.iter().filter_map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect())
}

fn read_version(row: &PgRow) -> Option<(&str, Version)> {
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
