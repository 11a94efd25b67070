use keymint_domain::ApiKey;
use keymint_domain::usage::Usage;
use keymint_ports::StoreError;
use keymint_store_sql::{integer, optional_integer};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, query};

use crate::instant::Instant;

/// All changed counters, one array per column, in the order of ids by bytes. No counter exceeds its bound in the same
/// row.
#[derive(Default)]
pub(super) struct Changes<'a> {
    pub(super) ids: Vec<&'a str>,
    /// The texts that the rows are kept under.
    texts: Vec<&'a str>,
    remaining: Vec<Option<i64>>,
    last_refill_at: Vec<Option<Instant>>,
    request_count: Vec<i64>,
    last_request: Vec<Option<Instant>>,
    backlog_ns: Vec<Option<i64>>,
    updated_at: Vec<Instant>,
}

/// The columns that a change sets, from `c`, which [`Changes::bind`] fills.
macro_rules! set_from_changes {
    () => {
        r#"set "remaining" = c.remaining, "lastRefillAt" = c.last_refill_at, "requestCount" = c.request_count,
            "lastRequest" = c.last_request, "keymint_backlog_ns" = c.backlog_ns, "updatedAt" = c.updated_at "#
    };
}
pub(super) use set_from_changes;

impl<'a> Changes<'a> {
    /// Returns the changes to the counters of these keys; `None` if there are none.
    ///
    /// # Errors
    /// [`StoreError::OutOfRange`]
    pub(super) fn of(mut keys: Vec<&'a ApiKey>) -> Result<Option<Self>, StoreError> {
        keys.sort_unstable_by_key(|key| &key.details.id);
        let mut changes = Self::default();
        for ApiKey { details, usage } in keys {
            let Usage { remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = *usage;
            changes.ids.push(details.id.as_str());
            changes.texts.push(details.stored.as_str());
            changes.remaining.push(optional_integer("remaining", remaining)?);
            changes.last_refill_at.push(last_refill_at.map(Instant));
            changes.request_count.push(integer("requestCount", request_count)?);
            changes.last_request.push(last_request.map(Instant));
            changes.backlog_ns.push(optional_integer("keymint_backlog_ns", backlog_ns)?);
            changes.updated_at.push(Instant(updated_at));
        }
        Ok((!changes.ids.is_empty()).then_some(changes))
    }

    /// Takes the texts that the rows are kept under.
    pub(super) fn take_texts(&mut self) -> Vec<&'a str> {
        std::mem::take(&mut self.texts)
    }

    /// Binds the seven arrays to the first placeholders of `statement`, which makes rows `c` of them by `unnest`.
    pub(super) fn bind(self, statement: &'static str) -> Query<'a, Postgres, PgArguments> {
        let Self { ids, texts: _, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } =
            self;
        query(statement)
            .bind(ids)
            .bind(remaining)
            .bind(last_refill_at)
            .bind(request_count)
            .bind(last_request)
            .bind(backlog_ns)
            .bind(updated_at)
    }
}
