use std::cmp::min;

use futures_util::{Stream, TryStreamExt as _};
use keymint_domain::ConfigId;
use keymint_domain::listing::{Direction, ListQuery, Page, SortField};
use keymint_domain::policy::ConfigFilter;
use keymint_ports::{PageRows, StoreError};
use sea_query::{Condition, Expr, ExprTrait as _, NullOrdering, Order, PostgresQueryBuilder, Query, SelectStatement};
use sea_query_sqlx::{SqlxBinder as _, SqlxValues};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, query_scalar_with, query_with};

use crate::error::store_error;
use crate::row::read_key;

/// Begins a transaction whose reads all see the state of the first.
const BEGIN: &str = "begin isolation level repeatable read read only";

pub(super) async fn list(connection: &mut PgConnection, query: &ListQuery) -> Result<Page, StoreError> {
    let (count, page) = statements(query);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let total = query_scalar_with(AssertSqlSafe(count.0), count.1).fetch_one(&mut *transaction);
    let total: i64 = total.await.map_err(store_error)?;
    let rows = read_page(query_with(AssertSqlSafe(page.0), page.1).fetch(&mut *transaction)).await?;
    transaction.commit().await.map_err(store_error)?;
    Ok(rows.finish(total.unsigned_abs()))
}

/// Reads rows until they fill the page, one at a time: whole rows of a whole page may be large.
async fn read_page(mut rows: impl Stream<Item = sqlx::Result<PgRow>> + Unpin) -> Result<PageRows, StoreError> {
    let mut page = PageRows::default();
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        if !page.take(read_key(&row))? {
            break;
        }
    }
    Ok(page)
}

/// The statements that count all keys that match, and read a page of them.
fn statements(query: &ListQuery) -> ((String, SqlxValues), (String, SqlxValues)) {
    let ListQuery { owner, configurations, sort_by, direction, offset, limit } = query;
    let mut matching = Query::select().from("apikey").cond_where(in_configurations(configurations)).take();
    matching.and_where_option(owner.as_ref().map(|owner| Expr::col("referenceId").eq(owner.as_str())));
    let count = matching.clone().expr(Expr::cust("count(*)")).build_sqlx(PostgresQueryBuilder);
    sort(&mut matching, *sort_by, *direction);
    let page = matching.expr(Expr::cust(columns!(""))).limit((*limit).into()).offset(min(*offset, MAX_OFFSET));
    (count, page.build_sqlx(PostgresQueryBuilder))
}

/// More rows than there can be.
const MAX_OFFSET: u64 = i64::MAX.unsigned_abs();

/// Sorts by the field, then by creation, then by id.
fn sort(statement: &mut SelectStatement, field: SortField, direction: Direction) {
    let (order, nulls) = match direction {
        Direction::Ascending => (Order::Asc, NullOrdering::First),
        Direction::Descending => (Order::Desc, NullOrdering::Last),
    };
    statement.order_by_expr_with_nulls(sort_key(field), order, nulls);
    statement.order_by("createdAt", Order::Asc).order_by_expr(by_bytes(Expr::col("id")), Order::Asc);
}

/// A field's column, with what its null means in the place of null.
fn sort_key(field: SortField) -> Expr {
    let column = Expr::col(field.as_str());
    match field {
        SortField::ConfigId => by_bytes(Expr::cust(config_id!())),
        SortField::Id | SortField::Name | SortField::Start | SortField::ReferenceId | SortField::Prefix => {
            by_bytes(column)
        }
        SortField::Enabled | SortField::RateLimitEnabled => column.if_null(true),
        SortField::RequestCount => column.if_null(0),
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

/// A text that is compared by bytes, not by the rules of the database's language.
fn by_bytes(text: Expr) -> Expr {
    Expr::cust_with_expr(r#"$1 collate "C""#, text)
}

/// Narrows a statement to the rows of some configurations.
fn in_configurations(filter: &ConfigFilter) -> Condition {
    let id = Expr::cust(config_id!());
    match filter {
        ConfigFilter::Any => Condition::all(),
        ConfigFilter::AnyOf(any_of) => Condition::all().add(id.is_in(any_of.iter().map(ConfigId::as_str))),
        ConfigFilter::NoneOf(none_of) => Condition::all().add(id.is_not_in(none_of.iter().map(ConfigId::as_str))),
    }
}
