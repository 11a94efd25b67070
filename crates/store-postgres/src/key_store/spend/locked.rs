use keymint_domain::Timestamp;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Ledger};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query};

use super::Answers;
use super::changes::{Changes, set_from_changes};
use super::find::{find, forms_of, read_row};
use crate::error::store_error;
use crate::key_store::BEGIN;
use crate::owner::OwnerColumns;

const UPDATE: &str = concat!(
    r#"update "apikey" as k "#,
    set_from_changes!(),
    r#"from unnest($1, $2, $3, $4, $5, $6, $7)
            as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at)
        where k."id" = c.id"#
);

/// Settles all attempts in one transaction that holds the lock on their rows.
pub(super) async fn settle(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Answers, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let find = query(by_owner_columns!(owner_columns, find, "for update of k"));
    let rows = find.bind(forms_of(attempts)).fetch_all(&mut *transaction).await.map_err(store_error)?;
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    let verdicts = ledger.settle(attempts.iter().copied(), policy, now);
    match Changes::of(&ledger)? {
        None => transaction.rollback().await.map_err(store_error)?,
        Some(changes) => {
            changes.bind(UPDATE).execute(&mut *transaction).await.map_err(store_error)?;
            transaction.commit().await.map_err(store_error)?;
        }
    }
    Ok(verdicts)
}
