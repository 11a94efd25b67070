use std::ops::ControlFlow;

use keymint_domain::listing::{Direction, ListQuery, Page, SortField};
use keymint_ports::{PageRows, StoreError};

use super::narrow;
use crate::columns::{COLUMN_LIST, CONFIG_ID};
use crate::connection::fetch_optional;
use crate::{Dialect, ReadConnection, Row, RowReader, Statement, read_key};

/// Lists a page, and counts all keys that match. The connection must show both reads the same state.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn list(connection: &mut dyn ReadConnection, query: &ListQuery) -> Result<Page, StoreError> {
    let dialect = connection.dialect();
    let count = matching(r#"count(*) as "total""#, query, dialect);
    let total = fetch_optional(connection, count, |row| RowReader::new(row, "apikey", "id").number("total")).await?;
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
    connection.fetch(page_statement(query, dialect), &mut take).await?;
    failed.map_or(Ok(()), Err)?;
    Ok(page.finish(total.flatten().unwrap_or(0)))
}

fn page_statement<'q>(query: &'q ListQuery, dialect: &dyn Dialect) -> Statement<'q> {
    let mut page = matching(COLUMN_LIST, query, dialect);
    let order = match query.direction {
        Direction::Ascending => "asc nulls first",
        Direction::Descending => "desc nulls last",
    };
    let (key, by_bytes) = (sort_key(query.sort_by, dialect), dialect.by_bytes());
    let limit = page.placeholder(i64::from(query.limit));
    let offset = page.placeholder(i64::try_from(query.offset).unwrap_or(i64::MAX));
    page.push(&format!(r#" order by {key} {order}, "createdAt", "id"{by_bytes} limit {limit} offset {offset}"#));
    page
}

/// Selects something of all keys that match.
fn matching<'q>(selected: &str, query: &'q ListQuery, dialect: &dyn Dialect) -> Statement<'q> {
    let mut statement = Statement::new(format!(r#"select {selected} from "apikey" where true"#));
    narrow(&mut statement, &query.configurations, dialect);
    if let Some(owner) = &query.owner {
        let owner = statement.placeholder(owner.as_str());
        statement.push(&format!(r#" and "referenceId" = {owner}"#));
    }
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
