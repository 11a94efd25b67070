use std::collections::HashSet;
use std::ops::ControlFlow;

use keymint_domain::event::{Event, EventRow, Origin};
use keymint_domain::key::StoredKey;
use keymint_domain::leak::{LeakChange, LeakOutcome, LeakReport, LeakedRows};
use keymint_domain::policy::Policy;
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::StoreError;

use super::rotate::rotation_change;
use super::update::changed_columns;
use crate::columns::COLUMN_LIST;
use crate::connection::end;
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
    let mut rows = LeakedRows::new(find_and_lock(connection, reports).await?);
    let outcomes = rows.apply(reports, policy, now, origin);
    for Update { columns: mut update, ids } in updates(rows.changes(), widths)? {
        let ids = update.placeholder(ids);
        update.push(&format!(r#" where "id" {}"#, connection.dialect().one_of(&ids)));
        connection.execute(update).await?;
    }
    for change in rows.changes().filter(LeakChange::is_of_rotation) {
        connection.execute(rotation_change(change.after)).await?;
    }
    let events: Vec<EventRow> = rows.events(origin).iter().map(Event::to_row).collect();
    for insertion in events::insertions_of(&events, connection.dialect().rows_at_once()) {
        connection.execute(insertion).await?;
    }
    for LeakChange { before, after } in rows.changes() {
        let secrets = before.details.stored_forms().chain(after.details.stored_forms());
        secrets.for_each(|stored| connection.forget(stored));
    }
    Ok(outcomes)
}

/// A row with the text that it was found under.
type Found = (StoredKey, Result<ApiKey, StoreError>);

/// Finds the rows of all reported secrets in one statement, in the order of ids, in which every other call locks too.
async fn find_and_lock(connection: &mut dyn ReadConnection, reports: &[LeakReport]) -> Result<Vec<Found>, StoreError> {
    // No key has U+0000, and some databases take no text with it.
    let forms = reports.iter().flat_map(LeakReport::stored_forms).map(StoredKey::as_str);
    let forms: HashSet<_> = forms.filter(|form| !form.contains('\0')).collect();
    let dialect = connection.dialect();
    let (one_of, by_bytes, for_update) = (dialect.one_of("$1"), dialect.by_bytes(), dialect.for_update());
    // That a second secret is not null is what its index asks for: no planner sees it in a list that it does not know.
    let find = Statement::new(format!(
        r#"select {COLUMN_LIST} from "apikey"
            where "key" {one_of} or "keymint_second_key" is not null and "keymint_second_key" {one_of}
            order by "id"{by_bytes}{for_update}"#
    ));
    let mut found = Vec::new();
    let mut take = |row: &dyn Row| {
        let texts = RowReader::new(row, "apikey", "id");
        for column in ["key", "keymint_second_key"] {
            if let Ok(Some(stored)) = texts.text(column)
                && forms.contains(stored)
            {
                found.push((StoredKey::from_stored(stored), read_key(row)));
            }
        }
        ControlFlow::Continue(())
    };
    connection.fetch(find.bind(forms.iter().copied().collect::<Vec<_>>()), &mut take).await?;
    Ok(found)
}

/// A statement that writes changed columns, and the rows that get just these values in them.
struct Update<'r> {
    columns: Statement<'r>,
    ids: Vec<&'r str>,
}

/// Returns what writes the changes: one statement for all keys that change likewise, which are most of them.
fn updates<'r>(changes: impl Iterator<Item = LeakChange<'r>>, widths: Widths) -> Result<Vec<Update<'r>>, StoreError> {
    let mut updates: Vec<Update<'_>> = Vec::new();
    for LeakChange { before, after } in changes {
        let (columns, id) = (changed_columns(before, after, widths)?, before.details.id.as_str());
        match updates.iter_mut().find(|update| update.columns == columns) {
            Some(update) => update.ids.push(id),
            None => updates.push(Update { columns, ids: vec![id] }),
        }
    }
    Ok(updates)
}
