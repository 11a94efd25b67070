use std::collections::HashSet;

use keymint_domain::key::StoredKey;
use keymint_domain::policy::Policy;
use keymint_domain::usage::Usage;
use keymint_domain::verify::{Attempt, Ledger, Owner, Verdict};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::StoreError;
use serde_json::json;
use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::store_error;
use crate::owner::{OwnerColumns, read_owner};
use crate::row::{Reader, integer, optional_integer, optional_text, read_key};

/// Begins a transaction that holds the lock on writing, and finds the rows of these stored forms, and their owners'. The
/// order is that of ids, because of two rows of one form the ledger takes the first.
///
/// Two statements in one: each is a trip to the connection's thread and back, on cores that others keep busy.
macro_rules! find {
    ($ban_columns:ident) => {
        concat!(
            "begin immediate; select ",
            columns!("k."),
            r#", u."id" as "owner_id", "#,
            ban_columns!($ban_columns),
            r#" from "apikey" as k left join "user" as u on u."id" = k."referenceId""#,
            r#" where k."key" in (select "value" from json_each(?1)) order by k."id""#,
        )
    };
}

pub(super) async fn spend(
    connection: &mut SqliteConnection,
    owner_columns: OwnerColumns,
    attempts: &[Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
    let forms: HashSet<&str> = attempts.iter().flat_map(Attempt::stored_forms).map(StoredKey::as_str).collect();
    let forms = json!(forms).to_string();
    let rows = query(by_owner_columns!(owner_columns, find)).bind(forms).fetch_all(&mut *connection);
    let rows = rows.await.map_err(store_error)?;
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    let verdicts = ledger.settle(attempts, policy, now);
    // Whoever leaves here with an open transaction leaves with `Unavailable`, or is dropped: the connection is closed then.
    let (ending, verdicts) = match changes_of(&ledger) {
        Ok(Some(changes)) => (query(UPDATE_AND_COMMIT).bind(changes), Ok(verdicts)),
        Ok(None) => (query("rollback"), Ok(verdicts)),
        Err(error) => (query("rollback"), Err(error)),
    };
    ending.execute(connection).await.map_err(store_error)?;
    verdicts
}

/// A row beside the text that it was found under, as the ledger takes it.
type FoundRow = (StoredKey, Result<(ApiKey, Owner), StoreError>);

fn read_row(row: &SqliteRow) -> Option<FoundRow> {
    let stored = Reader::new(row, "apikey", "id").text("key").ok().flatten()?;
    let outcome = read_key(row).and_then(|key| Ok((key, read_owner(row)?)));
    Some((StoredKey::from_stored(stored), outcome))
}

/// Writes all changed counters at once, and commits: each element of the array is a row's id and its counters.
const UPDATE_AND_COMMIT: &str = r#"
    update "apikey" set
        "remaining" = c."value" ->> 1,
        "lastRefillAt" = c."value" ->> 2,
        "requestCount" = c."value" ->> 3,
        "lastRequest" = c."value" ->> 4,
        "keymint_backlog_ns" = c."value" ->> 5,
        "updatedAt" = c."value" ->> 6
    from json_each(?1) as c
    where "apikey"."id" = c."value" ->> 0;
    commit"#;

/// What [`UPDATE_AND_COMMIT`] takes; `None` where nothing changed.
fn changes_of(ledger: &Ledger<StoreError>) -> Result<Option<String>, StoreError> {
    let change = |(id, usage): (&KeyId, &Usage)| {
        let Usage { remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = *usage;
        Ok(json!([
            id.as_str(),
            optional_integer("remaining", remaining)?,
            optional_text(last_refill_at),
            integer("requestCount", request_count)?,
            optional_text(last_request),
            optional_integer("keymint_backlog_ns", backlog_ns)?,
            updated_at.to_string(),
        ]))
    };
    let changes = ledger.changes().map(change).collect::<Result<Vec<_>, StoreError>>()?;
    Ok((!changes.is_empty()).then(|| json!(changes).to_string()))
}
