use std::collections::HashSet;

use keymint_domain::ApiKey;
use keymint_domain::key::StoredKey;
use keymint_domain::verify::{Attempt, Owner};
use keymint_ports::StoreError;
use keymint_store_sql::{OwnerColumns, ban_columns, by_owner_columns, columns, read_key, read_owner};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::error::is_storable;
use crate::row::ReadRow;

/// Returns the statement that finds the rows of stored forms with their versions, and their owners'. The order is that
/// of ids: of two rows of one form the ledger takes the first, and processes that lock in one order never wait in a
/// circle.
pub(super) fn find(owner_columns: OwnerColumns) -> &'static str {
    macro_rules! find {
        ($ban_columns:ident) => {
            concat!(
                "select ",
                columns!("k."),
                r#", k.xmin as "version", u."id" as "owner_id", "#,
                ban_columns!($ban_columns),
                r#" from "apikey" as k left join "user" as u on u."id" = k."referenceId""#,
                r#" where k."key" = any($1) order by k."id" collate "C" "#,
            )
        };
    }
    by_owner_columns!(owner_columns, find)
}

/// Returns the texts under which a row of any of these attempts may be kept.
pub(super) fn forms_of<'a>(attempts: &[&'a Attempt]) -> Vec<&'a str> {
    let forms = attempts.iter().flat_map(|attempt| attempt.stored_forms()).map(StoredKey::as_str);
    forms.filter(|form| is_storable(form)).collect::<HashSet<_>>().into_iter().collect()
}

/// A row with the text that it was found under, as the ledger takes it.
type FoundRow = (StoredKey, Result<(ApiKey, Owner), StoreError>);

pub(super) fn read_row(row: &PgRow) -> Option<FoundRow> {
    let stored: &str = row.try_get("key").ok()?;
    let row = ReadRow(row);
    let outcome = read_key(&row).and_then(|key| Ok((key, read_owner(&row)?)));
    Some((StoredKey::from_stored(stored), outcome))
}
