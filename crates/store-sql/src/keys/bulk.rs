//! Changes of many keys, a portion at a time.

use std::num::NonZeroU32;
use std::ops::ControlFlow;

use keymint_domain::event::Origin;
use keymint_domain::listing::Unreadable;
use keymint_domain::{ApiKey, KeyId};
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
    let (mut portion, ids) = find_ids(connection, change, from, limit).await?;
    let changed = find_changed(connection, change, &ids, "", &mut portion).await?;
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
    let (mut portion, ids) = find_ids(connection, change, from, limit).await?;
    let changed = find_changed(connection, change, &ids, dialect.for_update(), &mut portion).await?;
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

/// Finds the ids of the next rows. Rows without a readable id go into the portion.
async fn find_ids(
    connection: &mut dyn ReadConnection,
    change: &BulkChange,
    from: Option<&BulkCursor>,
    limit: NonZeroU32,
) -> Result<(BulkPortion, Vec<KeyId>), StoreError> {
    let statement = next_rows(change, from, limit, connection.dialect());
    let (mut portion, mut ids, mut rows, mut last) = (BulkPortion::default(), Vec::new(), 0, None);
    let mut take = |row: &dyn Row| {
        let row = RowReader::new(row, "apikey", "id");
        rows += 1;
        let id = row.text("id").ok().flatten().unwrap_or_default().to_owned();
        last = row.integer("number").ok().flatten().map(|number| BulkCursor { number, id });
        match row.id() {
            Ok(id) => ids.push(id),
            Err(_) => portion.unreadable.push(Unreadable { id: None, column: "id" }),
        }
        ControlFlow::Continue(())
    };
    connection.fetch(statement, &mut take).await?;
    portion.next = last.filter(|_| rows >= limit.get());
    Ok((portion, ids))
}

fn next_rows<'c>(
    change: &'c BulkChange,
    from: Option<&'c BulkCursor>,
    limit: NonZeroU32,
    dialect: &dyn Dialect,
) -> Statement<'c> {
    let BulkChange { owner, configurations, patch: _, now: _ } = change;
    let KeyOrder { by, number, is_behind } = dialect.key_order(owner.is_some());
    let mut statement = Statement::new(format!(r#"select "id", {number} as "number" from "apikey" where {is_behind}"#));
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

/// Reads the rows of these ids in the order of ids, in which every call locks rows, and returns those that the change
/// changes, before and after it. The others go into the portion.
async fn find_changed(
    connection: &mut dyn ReadConnection,
    change: &BulkChange,
    ids: &[KeyId],
    for_update: &str,
    portion: &mut BulkPortion,
) -> Result<Vec<[ApiKey; 2]>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = read_rows(connection, ids, COLUMN_LIST, for_update, |row| match read_key(row) {
        Ok(key) => Ok(Ok(key)),
        Err(StoreError::Corrupt { column, id, .. }) => Ok(Err(Unreadable { id, column })),
        Err(error) => Err(error),
    });
    let mut changed = Vec::new();
    for row in rows.await? {
        match row {
            Ok(key) => match key.changed_by(&change.patch, change.now) {
                Some(after) => changed.push([key, after]),
                None => portion.unchanged += 1,
            },
            Err(unreadable) => portion.unreadable.push(unreadable),
        }
    }
    Ok(changed)
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
