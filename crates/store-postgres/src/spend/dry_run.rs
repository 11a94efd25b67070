use keymint_domain::Timestamp;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, DryRun, Ledger};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::query;

use super::find::{find, forms_of, read_row};
use crate::error::store_error;
use keymint_store_sql::OwnerColumns;

/// Judges an attempt on the rows as they are read, in one statement. Nothing is written.
pub(crate) async fn dry_run(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    attempt: &Attempt,
    policy: &Policy,
    now: Timestamp,
) -> Result<DryRun, StoreError> {
    let find = query(find(owner_columns));
    let rows = find.bind(forms_of(&[attempt])).fetch_all(connection).await.map_err(store_error)?;
    Ledger::new(rows.iter().filter_map(read_row)).dry_run(attempt, policy, now)
}
