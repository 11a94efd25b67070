use std::collections::HashSet;
use std::ops::ControlFlow;

use keymint_domain::event::Origin;
use keymint_domain::key::StoredKey;
use keymint_domain::leak::{LeakChange, LeakOutcome, LeakReport, LeakedRows, Shelf};
use keymint_domain::policy::Policy;
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::StoreError;

use super::deleted;
use super::moving::{texts_of_second_secrets, wait_for_moves};
use super::place::{push_rows, text_in};
use super::rotate::{Secrets, rotation_change_in, rotation_changes};
use super::update::changed_columns;
use crate::columns::COLUMN_LIST;
use crate::connection::{end, fetch_all};
use crate::{ReadConnection, Row, RowReader, Statement, Widths, WriteConnection, events, read_key};

/// Applies reports of leaked secrets in one transaction.
///
/// # Errors
/// [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn report_leaks(
    connection: &mut dyn WriteConnection,
    reports: &[LeakReport],
    policy: &Policy,
    now: Timestamp,
    widths: Widths,
    origin: &Origin,
) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
    connection.begin().await?;
    let outcome = find_and_apply(connection, reports, policy, now, widths, origin).await;
    end(connection, outcome).await
}

async fn find_and_apply(
    connection: &mut dyn WriteConnection,
    reports: &[LeakReport],
    policy: &Policy,
    now: Timestamp,
    widths: Widths,
    origin: &Origin,
) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
    let mut rows = LeakedRows::new(find_all(connection, reports, now).await?);
    let outcomes = rows.apply(reports, policy, now, origin);
    let dialect = connection.dialect();
    for Update { columns: mut update, rows } in updates(rows.changes(), widths)? {
        push_rows(&mut update, rows, dialect);
        connection.execute(update).await?;
    }
    for LeakChange { shelf, before, after } in rows.changes().filter(LeakChange::is_of_rotation) {
        let secrets = Secrets::of(before);
        let changes = match shelf {
            Shelf::Keys => rotation_changes(dialect, &secrets, after),
            Shelf::Deleted => vec![rotation_change_in(deleted::TABLE, after)],
        };
        for change in changes {
            connection.execute(change).await?;
        }
    }
    events::insert(connection, rows.events(origin)).await?;
    for LeakChange { shelf: _, before, after } in rows.changes() {
        let secrets = before.details.stored_forms().chain(after.details.stored_forms());
        secrets.for_each(|stored| connection.forget(stored));
    }
    Ok(outcomes)
}

fn table_of(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Keys => "apikey",
        Shelf::Deleted => deleted::TABLE,
    }
}

/// A row with its place, and the text that it was found under.
type Found = (Shelf, StoredKey, Result<ApiKey, StoreError>);

/// Finds the rows of all reported secrets, also among the deleted keys that can be restored at `now`.
async fn find_all(
    connection: &mut dyn ReadConnection,
    reports: &[LeakReport],
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    // No key has U+0000, and some databases take no text with it.
    let forms = reports.iter().flat_map(LeakReport::stored_forms).map(StoredKey::as_str);
    let mut forms: HashSet<_> = forms.filter(|form| !form.contains('\0')).collect();
    let mut found = find_and_lock(connection, Shelf::Keys, &forms, now).await?;
    found.extend(find_and_lock(connection, Shelf::Deleted, &forms, now).await?);
    // Where rows are locked one by one, a key may have been restored between the two looks, or be on its way to another shard.
    if !connection.dialect().for_update().is_empty() {
        for (_, stored, _) in &found {
            forms.remove(stored.as_str());
        }
        wait_for_moves(connection, forms.iter().copied().collect()).await?;
        let restored = find_and_lock(connection, Shelf::Keys, &forms, now).await?;
        found.extend(restored);
    }
    Ok(found)
}

/// Finds the rows of one place by one statement, in the order of ids, in which every other call locks too.
async fn find_and_lock(
    connection: &mut dyn ReadConnection,
    shelf: Shelf,
    forms: &HashSet<&str>,
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    if forms.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = connection.dialect();
    let forms_of_rows: Vec<&str> = forms.iter().copied().collect();
    if shelf == Shelf::Deleted || !dialect.is_sharded() {
        return lock_by_any(connection, shelf, forms, forms_of_rows, now).await;
    }
    let seconds = texts_of_second_secrets(forms_of_rows.clone(), dialect);
    let texts = fetch_all(connection, seconds, |row| Ok(text_in(row, "key"))).await?;
    let all: HashSet<&str> = forms_of_rows.into_iter().chain(texts.iter().flatten().map(String::as_str)).collect();
    let mut found = Vec::new();
    for texts in connection.divide(all.into_iter().collect()) {
        found.extend(lock_by_any(connection, shelf, forms, texts, now).await?);
    }
    Ok(found)
}

/// Finds and locks the rows of which one of the secrets is among `forms`. In shards, `texts` are what they are kept under.
async fn lock_by_any(
    connection: &mut dyn ReadConnection,
    shelf: Shelf,
    forms: &HashSet<&str>,
    texts: Vec<&str>,
    now: Timestamp,
) -> Result<Vec<Found>, StoreError> {
    let dialect = connection.dialect();
    let (one_of, by_bytes, for_update) = (dialect.one_of("$1"), dialect.by_bytes(), dialect.for_update());
    let second = if shelf == Shelf::Keys && dialect.is_sharded() {
        String::new()
    } else {
        // That a second secret is not null is what its index asks for: no planner sees it in a list that it does not know.
        format!(r#" or "keymint_second_key" is not null and "keymint_second_key" {one_of}"#)
    };
    let table = table_of(shelf);
    let until = match shelf {
        Shelf::Keys => "",
        Shelf::Deleted => r#", "keymint_deleted_until""#,
    };
    let find = Statement::new(format!(
        r#"select {COLUMN_LIST}{until} from "{table}"
            where "key" {one_of}{second}
            order by "id"{by_bytes}{for_update}"#
    ));
    let mut found = Vec::new();
    let mut take = |row: &dyn Row| {
        let texts = RowReader::new(row, table, "id");
        let has_ended =
            shelf == Shelf::Deleted && texts.required_instant("keymint_deleted_until").is_ok_and(|until| until < now);
        for column in ["key", "keymint_second_key"] {
            if let Ok(Some(stored)) = texts.text(column)
                && forms.contains(stored)
                && !has_ended
            {
                found.push((shelf, StoredKey::from_stored(stored), read_key(row)));
            }
        }
        ControlFlow::Continue(())
    };
    connection.fetch(find.bind(texts), &mut take).await?;
    Ok(found)
}

/// A statement that writes changed columns, and the rows that get just these values in them.
struct Update<'r> {
    columns: Statement<'r>,
    /// Their ids, and the texts that they are kept under.
    rows: Vec<(&'r str, &'r str)>,
}

/// Returns what writes the changes: one statement for all keys that change likewise, which are most of them.
fn updates<'r>(changes: impl Iterator<Item = LeakChange<'r>>, widths: Widths) -> Result<Vec<Update<'r>>, StoreError> {
    let mut updates: Vec<Update<'_>> = Vec::new();
    for LeakChange { shelf, before, after } in changes {
        let columns = changed_columns(table_of(shelf), before, after, widths)?;
        let name = (before.details.id.as_str(), before.details.stored.as_str());
        match updates.iter_mut().find(|update| update.columns == columns) {
            Some(update) => update.rows.push(name),
            None => updates.push(Update { columns, rows: vec![name] }),
        }
    }
    Ok(updates)
}
