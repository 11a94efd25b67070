use keymint_domain::Timestamp;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, DryRun, Ledger};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::query;

use super::Table;
use super::find::{fetch_either, find, forms_of, read_row, read_rows};
use crate::error::store_error;

/// Judges an attempt on the rows as they are read. Nothing is written.
pub(crate) async fn dry_run(
    connection: &mut PgConnection,
    table: Table<'_>,
    attempt: &Attempt,
    policy: &Policy,
    now: Timestamp,
) -> Result<DryRun, StoreError> {
    let in_use = query(find(table.owner_columns)).bind(forms_of(&[attempt]));
    let rows = in_use.fetch_all(&mut *connection).await.map_err(store_error)?;
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    if ledger.unfound([attempt]).next().is_some() {
        let rows = fetch_either(connection, table, forms_of(&[attempt])).await.map_err(store_error)?;
        ledger.add(read_rows(&rows, &[attempt]));
    }
    ledger.dry_run(attempt, policy, now)
}
