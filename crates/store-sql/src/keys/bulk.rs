//! Changes of many keys, a portion at a time.

use std::num::NonZeroU32;
use std::ops::ControlFlow;

use keymint_domain::ApiKey;
use keymint_domain::event::Origin;
use keymint_domain::listing::Unreadable;
use keymint_ports::{BulkChange, BulkCursor, BulkPortion, StoreError};

use super::narrow;
use super::place::{push_rows, read_rows};
use super::update::{Revoke, changed_columns, revoke_row};
use crate::columns::COLUMN_LIST;
use crate::connection::end;
use crate::{Dialect, KeyOrder, ReadConnection, Row, RowReader, Statement, Widths, WriteConnection, events, read_key};

/// Changes a portion of the keys that the change selects.
///
/// # Errors
/// [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn update_many(
    connection: &mut dyn WriteConnection,
    change: &BulkChange,
    from: Option<&BulkCursor>,
    limit: NonZeroU32,
    widths: Widths,
    origin: &Origin,
) -> Result<BulkPortion, StoreError> {
    connection.begin().await?;
    let outcome = find_and_update(connection, change, from, limit, widths, origin).await;
    end(connection, outcome).await
}

/// Tells what [`update_many`] would do.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn preview_update_many(
    connection: &mut dyn ReadConnection,
    change: &BulkChange,
    from: Option<&BulkCursor>,
    limit: NonZeroU32,
) -> Result<BulkPortion, StoreError> {
    let (mut portion, changed) = find_changed(connection, change, from, limit, "").await?;
    count_changed(&mut portion, &changed);
    Ok(portion)
}

async fn find_and_update(
    connection: &mut dyn WriteConnection,
    change: &BulkChange,
    from: Option<&BulkCursor>,
    limit: NonZeroU32,
    widths: Widths,
    origin: &Origin,
) -> Result<BulkPortion, StoreError> {
    let dialect = connection.dialect();
    let (mut portion, changed) = find_changed(connection, change, from, limit, dialect.for_update()).await?;
    for (mut update, rows) in alike(&changed, widths)? {
        push_rows(&mut update, rows, dialect);
        connection.execute(update).await?;
    }
    events::insert(connection, changed.iter().filter_map(|[before, after]| origin.key_changed(before, after))).await?;
    for [before, _] in &changed {
        before.details.stored_forms().for_each(|stored| connection.forget(stored));
    }
    count_changed(&mut portion, &changed);
    if let Some(revocation) = change.patch.revocation() {
        for row in std::mem::take(&mut portion.unreadable) {
            let Some(id) = &row.id else {
                portion.unreadable.push(row);
                continue;
            };
            // The text that the row is kept under may be what cannot be read.
            connection.forget_all();
            let is_new = revoke_row(connection, Revoke::Unrevoked, id, revocation, origin).await?;
            portion.changed += u64::from(is_new);
            portion.unchanged += u64::from(!is_new);
        }
    }
    Ok(portion)
}

/// Reads the next rows, and returns those that the change changes, before and after it. The others go into the portion.
async fn find_changed(
    connection: &mut dyn ReadConnection,
    change: &BulkChange,
    from: Option<&BulkCursor>,
    limit: NonZeroU32,
    for_update: &str,
) -> Result<(BulkPortion, Vec<[ApiKey; 2]>), StoreError> {
    let (mut portion, mut changed) = (BulkPortion::default(), Vec::new());
    let rows = if for_update.is_empty() {
        // At once: by their ids, each row would be searched for again.
        let (rows, next) = read_next(connection, change, from, limit, COLUMN_LIST, read_key).await?;
        portion.next = next;
        rows
    } else {
        let read_id = |row: &dyn Row| RowReader::new(row, "apikey", "id").id();
        let (found, next) = read_next(connection, change, from, limit, r#""id""#, read_id).await?;
        portion.next = next;
        let mut ids = Vec::with_capacity(found.len());
        for id in found {
            match id {
                Ok(id) => ids.push(id),
                Err(unreadable) => portion.unreadable.push(unreadable),
            }
        }
        // In the order of ids, in which every call locks rows.
        if ids.is_empty() {
            Vec::new()
        } else {
            read_rows(connection, &ids, COLUMN_LIST, for_update, |row| or_unreadable(read_key(row))).await?
        }
    };
    for row in rows {
        match row {
            Ok(key) => match key.changed_by(&change.patch, change.now) {
                Some(after) => changed.push([key, after]),
                None => portion.unchanged += 1,
            },
            Err(unreadable) => portion.unreadable.push(unreadable),
        }
    }
    Ok((portion, changed))
}

/// A row as it was read.
type ReadRow<T> = Result<T, Unreadable>;

fn or_unreadable<T>(read: Result<T, StoreError>) -> Result<ReadRow<T>, StoreError> {
    match read {
        Ok(row) => Ok(Ok(row)),
        Err(StoreError::Corrupt { column, id, .. }) => Ok(Err(Unreadable { id, column })),
        Err(error) => Err(error),
    }
}

/// Reads these columns, `"id"` among them, of the next rows. Returns also the place behind them, unless they are the last.
async fn read_next<T: Send>(
    connection: &mut dyn ReadConnection,
    change: &BulkChange,
    from: Option<&BulkCursor>,
    limit: NonZeroU32,
    columns: &str,
    read: impl Fn(&dyn Row) -> Result<T, StoreError> + Send + Sync,
) -> Result<(Vec<ReadRow<T>>, Option<BulkCursor>), StoreError> {
    let statement = next_rows(change, from, limit, columns, connection.dialect());
    let (mut rows, mut last) = (Vec::new(), None);
    let mut take = |row: &dyn Row| {
        rows.push(or_unreadable(read(row)));
        let row = RowReader::new(row, "apikey", "id");
        let id = row.text("id").ok().flatten().unwrap_or_default().to_owned();
        last = row.integer("number").ok().flatten().map(|number| BulkCursor { number, id });
        ControlFlow::Continue(())
    };
    connection.fetch(statement, &mut take).await?;
    let last = last.filter(|_| rows.len() >= limit.get() as usize);
    Ok((rows.into_iter().collect::<Result<_, _>>()?, last))
}

fn next_rows<'c>(
    change: &'c BulkChange,
    from: Option<&'c BulkCursor>,
    limit: NonZeroU32,
    columns: &str,
    dialect: &dyn Dialect,
) -> Statement<'c> {
    let BulkChange { owner, configurations, patch: _, now: _ } = change;
    let KeyOrder { by, number, is_behind } = dialect.key_order(owner.is_some());
    let mut statement =
        Statement::new(format!(r#"select {columns}, {number} as "number" from "apikey" where {is_behind}"#));
    statement = match from {
        Some(BulkCursor { number, id }) => statement.bind(*number).bind(id.as_str()),
        None => statement.bind(i64::MIN).bind(""),
    };
    if let Some(owner) = owner {
        let owner = statement.placeholder(owner.as_str());
        statement.push(&format!(r#" and "referenceId" = {owner}"#));
    }
    narrow(&mut statement, configurations, dialect);
    let limit = statement.placeholder(i64::from(limit.get()));
    statement.push(&format!(" order by {by} limit {limit}"));
    statement
}

/// The ids of rows, and the texts that they are kept under.
type RowNames<'r> = Vec<(&'r str, &'r str)>;

/// Returns the statements that write the changes, up to their `where` clauses, each with the names of the rows that it
/// changes alike.
fn alike(changed: &[[ApiKey; 2]], widths: Widths) -> Result<Vec<(Statement<'_>, RowNames<'_>)>, StoreError> {
    let mut groups: Vec<(Statement<'_>, RowNames<'_>)> = Vec::new();
    for [before, after] in changed {
        let update = changed_columns("apikey", before, after, widths)?;
        let name = (before.details.id.as_str(), before.details.stored.as_str());
        match groups.iter_mut().find(|(other, _)| *other == update) {
            Some((_, names)) => names.push(name),
            None => groups.push((update, vec![name])),
        }
    }
    Ok(groups)
}

fn count_changed(portion: &mut BulkPortion, changed: &[[ApiKey; 2]]) {
    portion.changed += changed.len() as u64;
    portion.stored.extend(changed.iter().flat_map(|[before, _]| before.details.stored_forms()).cloned());
}
