use std::collections::HashSet;

use keymint_domain::key::StoredKey;
use keymint_domain::policy::Policy;
use keymint_domain::usage::Usage;
use keymint_domain::verify::{Attempt, Ledger, Owner, Verdict};
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Connection as _, Postgres, query};

use super::BEGIN;
use crate::error::store_error;
use crate::instant::Instant;
use crate::owner::{OwnerColumns, read_owner};
use crate::row::{Reader, integer, is_storable, optional_bigint, optional_integer, read_key};

/// Finds and locks the rows of these stored forms, and finds their owners'. The order is that of ids: because of two
/// rows of one form the ledger takes the first, and because processes that lock in one order never wait in a circle.
macro_rules! find {
    ($ban_columns:ident) => {
        concat!(
            "select ",
            columns!("k."),
            r#", u."id" as "owner_id", "#,
            ban_columns!($ban_columns),
            r#" from "apikey" as k left join "user" as u on u."id" = k."referenceId""#,
            r#" where k."key" = any($1) order by k."id" collate "C" for update of k"#,
        )
    };
}

pub(super) async fn spend(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    attempts: &[Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
    let forms = attempts.iter().flat_map(Attempt::stored_forms).map(StoredKey::as_str);
    let forms: HashSet<&str> = forms.filter(|form| is_storable(form)).collect();
    let forms: Vec<&str> = forms.into_iter().collect();
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let rows = query(by_owner_columns!(owner_columns, find)).bind(forms).fetch_all(&mut *transaction);
    let rows = rows.await.map_err(store_error)?;
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    let verdicts = ledger.settle(attempts, policy, now);
    match Changes::of(&ledger)? {
        None => transaction.rollback().await.map_err(store_error)?,
        Some(changes) => {
            changes.update().execute(&mut *transaction).await.map_err(store_error)?;
            transaction.commit().await.map_err(store_error)?;
        }
    }
    Ok(verdicts)
}

/// A row beside the text that it was found under, as the ledger takes it.
type FoundRow = (StoredKey, Result<(ApiKey, Owner), StoreError>);

fn read_row(row: &PgRow) -> Option<FoundRow> {
    let stored = Reader::new(row, "apikey", "id").text("key").ok().flatten()?;
    let outcome = read_key(row).and_then(|key| Ok((key, read_owner(row)?)));
    Some((StoredKey::from_stored(stored), outcome))
}

/// All changed counters, one array a column.
#[derive(Default)]
struct Changes<'a> {
    ids: Vec<&'a str>,
    remaining: Vec<Option<i32>>,
    last_refill_at: Vec<Option<Instant>>,
    request_count: Vec<i32>,
    last_request: Vec<Option<Instant>>,
    backlog_ns: Vec<Option<i64>>,
    updated_at: Vec<Instant>,
}

impl<'a> Changes<'a> {
    /// `None` where nothing changed.
    fn of(ledger: &'a Ledger<StoreError>) -> Result<Option<Self>, StoreError> {
        let mut changes = Self::default();
        for (id, usage) in ledger.changes() {
            let Usage { remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = *usage;
            changes.ids.push(id.as_str());
            changes.remaining.push(optional_integer("remaining", remaining)?);
            changes.last_refill_at.push(last_refill_at.map(Instant));
            changes.request_count.push(integer("requestCount", request_count)?);
            changes.last_request.push(last_request.map(Instant));
            changes.backlog_ns.push(optional_bigint("keymint_backlog_ns", backlog_ns)?);
            changes.updated_at.push(Instant(updated_at));
        }
        Ok((!changes.ids.is_empty()).then_some(changes))
    }

    /// Writes all of them at once.
    fn update(self) -> Query<'a, Postgres, PgArguments> {
        const UPDATE: &str = r#"
            update "apikey" as k set
                "remaining" = c.remaining,
                "lastRefillAt" = c.last_refill_at,
                "requestCount" = c.request_count,
                "lastRequest" = c.last_request,
                "keymint_backlog_ns" = c.backlog_ns,
                "updatedAt" = c.updated_at
            from unnest($1, $2, $3, $4, $5, $6, $7)
                as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at)
            where k."id" = c.id"#;
        let Self { ids, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = self;
        query(UPDATE)
            .bind(ids)
            .bind(remaining)
            .bind(last_refill_at)
            .bind(request_count)
            .bind(last_request)
            .bind(backlog_ns)
            .bind(updated_at)
    }
}
