use std::ops::ControlFlow;

use keymint_domain::listing::{Direction, ListQuery, Page, SortField, Total};
use keymint_ports::{PageRows, StoreError};

use super::filter::{Reach, narrow_by, reach_of};
use super::narrow;
use crate::columns::{COLUMN_LIST, CONFIG_ID};
use crate::connection::fetch_optional;
use crate::{Dialect, ReadConnection, Row, RowReader, Statement, read_key};

/// Lists a page, and counts all keys that match. The connection must show both reads the same state.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn list(connection: &mut dyn ReadConnection, query: &ListQuery) -> Result<Page, StoreError> {
    let reach = match &query.filter.search {
        Some(search) => reach_of(connection, search).await?,
        None => Reach::Few,
    };
    // Rows are read until they fill the page, one at a time: whole rows of a whole page may be large.
    let (mut page, mut failed) = (PageRows::default(), None);
    let mut take = |row: &dyn Row| match page.take(read_key(row)) {
        Ok(true) => ControlFlow::Continue(()),
        Ok(false) => ControlFlow::Break(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    };
    let statement = page_statement(query, reach, connection.dialect());
    connection.fetch(statement, &mut take).await?;
    failed.map_or(Ok(()), Err)?;
    let total = match last_of_all(&page, query) {
        Some(total) => total,
        None => count(connection, query, reach).await?,
    };
    Ok(page.finish(Total::counted(total, query.count_up_to)))
}

/// Returns the number of keys that match if `page` ends with the last of them, which saves a count.
fn last_of_all(page: &PageRows, query: &ListQuery) -> Option<u64> {
    let rows = page.rows();
    let is_last = page.has_room() && rows < u64::from(query.limit) && (rows > 0 || query.offset == 0);
    is_last.then(|| query.offset.saturating_add(rows))
}

/// Counts the keys that match, up to the first beyond those that the query wants to be counted.
async fn count(connection: &mut dyn ReadConnection, query: &ListQuery, reach: Reach) -> Result<u64, StoreError> {
    let dialect = connection.dialect();
    let mut count = match query.count_up_to {
        None => matching(r#"count(*) as "total""#, query, reach, dialect),
        Some(_) => matching(r#"1 as "one""#, query, reach, dialect),
    };
    if let Some(up_to) = query.count_up_to {
        let limit = count.placeholder(i64::try_from(up_to.saturating_add(1)).unwrap_or(i64::MAX));
        count = count.map_text(|keys| format!(r#"select count(*) as "total" from ({keys} limit {limit}) as "keys""#));
    }
    let total = fetch_optional(connection, count, |row| RowReader::new(row, "apikey", "id").number("total")).await?;
    Ok(total.flatten().unwrap_or(0))
}

fn page_statement<'q>(query: &'q ListQuery, reach: Reach, dialect: &dyn Dialect) -> Statement<'q> {
    let mut page = matching(COLUMN_LIST, query, reach, dialect);
    let (key, by_bytes) = (sort_key(query.sort_by, dialect), dialect.by_bytes());
    let order = match (query.sort_by, query.direction) {
        // It is never null, and so an index has this order.
        (SortField::CreatedAt, Direction::Ascending) => key,
        (SortField::CreatedAt, Direction::Descending) => format!("{key} desc"),
        (SortField::ExpiresAt, Direction::Ascending) => format!(r#"{key} asc nulls last, "createdAt""#),
        (_, Direction::Ascending) => format!(r#"{key} asc nulls first, "createdAt""#),
        (_, Direction::Descending) => format!(r#"{key} desc nulls last, "createdAt""#),
    };
    let limit = page.placeholder(i64::from(query.limit));
    let offset = page.placeholder(offset(query.offset));
    page.push(&format!(r#" order by {order}, "id"{by_bytes} limit {limit} offset {offset}"#));
    page
}

/// Returns an offset as a statement takes it. Whoever puts a list together from shards adds the limit to it.
pub(super) fn offset(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX).min(i64::MAX - i64::from(u32::MAX))
}

/// Selects something of all keys that match.
fn matching<'q>(selected: &str, query: &'q ListQuery, reach: Reach, dialect: &dyn Dialect) -> Statement<'q> {
    let mut statement = Statement::new(format!(r#"select {selected} from "apikey" where true"#));
    narrow(&mut statement, &query.configurations, dialect);
    if let Some(owner) = &query.owner {
        let owner = statement.placeholder(owner.as_str());
        statement.push(&format!(r#" and "referenceId" = {owner}"#));
    }
    narrow_by(&mut statement, &query.filter, reach, dialect);
    statement
}

/// Returns the column of a field, with the meaning of null in the place of null.
fn sort_key(field: SortField, dialect: &dyn Dialect) -> String {
    let (column, by_bytes) = (format!(r#""{}""#, field.as_str()), dialect.by_bytes());
    match field {
        SortField::ConfigId => format!("{CONFIG_ID}{by_bytes}"),
        SortField::Id | SortField::Name | SortField::Start | SortField::ReferenceId | SortField::Prefix => {
            format!("{column}{by_bytes}")
        }
        SortField::Enabled | SortField::RateLimitEnabled => format!("coalesce({column}, true)"),
        SortField::RequestCount => format!("coalesce({column}, 0)"),
        SortField::RefillInterval
        | SortField::RefillAmount
        | SortField::LastRefillAt
        | SortField::RateLimitTimeWindow
        | SortField::RateLimitMax
        | SortField::Remaining
        | SortField::LastRequest
        | SortField::ExpiresAt
        | SortField::CreatedAt
        | SortField::UpdatedAt => column,
    }
}
