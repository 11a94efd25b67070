//! Settles batches of attempts, each in one transaction that holds the lock on writing.

mod remembered;
mod row;

use std::collections::HashSet;

use keymint_domain::event::Event;
use keymint_domain::key::{KeyDetails, StoredKey};
use keymint_domain::policy::Policy;
use keymint_domain::usage::Usage;
use keymint_domain::verify::{Attempt, DryRun, Ledger, Owner, Verdict};
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::StoreError;
use keymint_store_sql::{
    OwnerColumns, ban_columns, by_owner_columns, columns, events, integer, keys::rotation_change, optional_integer,
    read_key, read_owner,
};
use rusqlite::{CachedStatement, Connection, params};

pub(crate) use self::probe::probe;
pub(crate) use self::remembered::RememberedRows;
use self::row::FoundRow;
use crate::dialect::Sqlite;
use crate::writer::{WriterConnection, begin, execute};

/// Finds the rows of a stored form with their owners. There is one, unless somebody has copied it, so sorting is not
/// worth its cost.
///
/// `$column` is the one of the secret in use, or of the second one.
macro_rules! find {
    ($ban_columns:ident, $column:literal) => {
        concat!(
            "select ",
            columns!("k."),
            r#", u."id" as "owner_id", "#,
            ban_columns!($ban_columns),
            r#" from "apikey" as k left join "user" as u on u."id" = k."referenceId""#,
            r#" where k.""#,
            $column,
            r#"" = ?1"#,
        )
    };
}

// Behind the macro that it uses.
mod probe;

const UPDATE: &str = r#"
    update "apikey" set
        "remaining" = ?2,
        "lastRefillAt" = ?3,
        "requestCount" = ?4,
        "lastRequest" = ?5,
        "keymint_backlog_ns" = ?6,
        "updatedAt" = ?7
    where "key" = ?8 and +"id" = ?1"#;

pub(crate) fn spend(
    WriterConnection { connection, rows, patience }: &mut WriterConnection,
    owner_columns: OwnerColumns,
    attempts: &[Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
    // A return without a commit rolls back.
    let transaction = begin(connection, *patience).map_err(StoreError::unavailable)?;
    rows.refresh(&transaction)?;
    let mut ledger = Ledger::new(find(&transaction, rows, owner_columns, attempts)?);
    find_second(&transaction, owner_columns, attempts, &mut ledger)?;
    let verdicts = ledger.settle(attempts, policy, now);
    if write(&transaction, &ledger)? {
        write_events(&transaction, ledger.events(policy, now)).map_err(StoreError::unavailable)?;
        transaction.commit().map_err(StoreError::unavailable)?;
        ledger.changes().for_each(|key| rows.count(key));
    }
    Ok(verdicts)
}

/// Judges an attempt on the current rows. There is no transaction, so nothing is written, and nothing may be
/// remembered.
pub(crate) fn dry_run(
    WriterConnection { connection, .. }: &mut WriterConnection,
    owner_columns: OwnerColumns,
    attempt: &Attempt,
    policy: &Policy,
    now: Timestamp,
) -> Result<DryRun, StoreError> {
    let mut ledger = Ledger::new(find_in_use(connection, owner_columns, attempt)?);
    find_second(connection, owner_columns, [attempt], &mut ledger)?;
    // A new secret that was used in between is in use now.
    if ledger.unfound([attempt]).next().is_some() {
        ledger.add(find_in_use(connection, owner_columns, attempt)?);
    }
    ledger.dry_run(attempt, policy, now)
}

/// A row with the text that it was found under, as the ledger takes it.
type Found = (StoredKey, ReadRow);

/// Finds the rows whose secret in use an attempt presents.
fn find_in_use(
    connection: &Connection,
    owner_columns: OwnerColumns,
    attempt: &Attempt,
) -> Result<Vec<Found>, StoreError> {
    let find = connection.prepare_cached(by_owner_columns!(owner_columns, find, "key"));
    let mut find = find.map_err(StoreError::unavailable)?;
    let mut find = |form: &StoredKey| Ok(find_one(&mut find, form)?.map(|row| (form.clone(), row)));
    let found = attempt.stored_forms().filter_map(|form| find(form).transpose());
    found.collect::<Result<_, rusqlite::Error>>().map_err(StoreError::unavailable)
}

/// Finds the rows whose second secret an attempt presents, of those attempts that no secret in use answers. Such rows
/// are never remembered.
fn find_second<'a>(
    connection: &Connection,
    owner_columns: OwnerColumns,
    attempts: impl IntoIterator<Item = &'a Attempt, IntoIter: Clone>,
    ledger: &mut Ledger<StoreError>,
) -> Result<(), StoreError> {
    let forms: HashSet<&StoredKey> = ledger.unfound(attempts).flat_map(Attempt::stored_forms).collect();
    if forms.is_empty() {
        return Ok(());
    }
    let find = connection.prepare_cached(by_owner_columns!(owner_columns, find, "keymint_second_key"));
    let mut find = find.map_err(StoreError::unavailable)?;
    for form in forms {
        let row = find_one(&mut find, form).map_err(StoreError::unavailable)?;
        ledger.add(row.map(|row| (form.clone(), row)));
    }
    Ok(())
}

fn find(
    connection: &Connection,
    rows: &mut RememberedRows,
    owner_columns: OwnerColumns,
    attempts: &[Attempt],
) -> Result<Vec<Found>, StoreError> {
    let find = connection.prepare_cached(by_owner_columns!(owner_columns, find, "key"));
    let mut find = find.map_err(StoreError::unavailable)?;
    let forms: HashSet<&StoredKey> = attempts.iter().flat_map(Attempt::stored_forms).collect();
    let mut found = Vec::with_capacity(forms.len());
    for form in forms {
        if let Some(row) = rows.recall(form) {
            found.push((form.clone(), Ok(row)));
        } else if let Some(row) = find_one(&mut find, form).map_err(StoreError::unavailable)? {
            if let Ok(row) = &row
                && row.0.details.rotation.is_none()
            {
                rows.keep(form, row);
            }
            found.push((form.clone(), row));
        }
    }
    Ok(found)
}

/// A row, or the error that reading it gave.
type ReadRow = Result<(ApiKey, Owner), StoreError>;

/// Finds the row of a stored form. Of two rows the first by id counts.
fn find_one(find: &mut CachedStatement<'_>, form: &StoredKey) -> Result<Option<ReadRow>, rusqlite::Error> {
    let mut rows = find.query([form.as_str()])?;
    let mut first = None;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec();
        if first.as_ref().is_none_or(|(known, _)| id < *known) {
            let row = FoundRow(row);
            first = Some((id, read_key(&row).and_then(|key| Ok((key, read_owner(&row)?)))));
        }
    }
    Ok(first.map(|(_, row)| row))
}

/// Writes all changed counters and rotations. Returns `false` if nothing changed.
fn write(connection: &Connection, ledger: &Ledger<StoreError>) -> Result<bool, StoreError> {
    let mut update = connection.prepare_cached(UPDATE).map_err(StoreError::unavailable)?;
    let mut any = false;
    // First, since the counters' statement finds the row by the secret in use.
    for key in ledger.rotations() {
        execute(connection, rotation_change(key)).map_err(StoreError::unavailable)?;
        any = true;
    }
    for ApiKey { details, usage } in ledger.changes() {
        write_one(&mut update, details, usage)?;
        any = true;
    }
    Ok(any)
}

fn write_events(connection: &Connection, events: Vec<Event>) -> Result<(), rusqlite::Error> {
    // Building a statement is not worth its cost for nothing.
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = events.into_iter().map(Event::into_row).collect();
    events::insertions(&rows, &Sqlite).try_for_each(|insert| execute(connection, insert).map(drop))
}

fn write_one(update: &mut CachedStatement<'_>, key: &KeyDetails, usage: &Usage) -> Result<(), StoreError> {
    let Usage { remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = *usage;
    let written = update.execute(params![
        key.id.as_str(),
        optional_integer("remaining", remaining)?,
        last_refill_at.map(text),
        integer("requestCount", request_count)?,
        last_request.map(text),
        optional_integer("keymint_backlog_ns", backlog_ns)?,
        text(updated_at),
        key.stored.as_str(),
    ]);
    written.map_err(StoreError::unavailable)?;
    Ok(())
}

fn text(instant: Timestamp) -> String {
    instant.to_string()
}
