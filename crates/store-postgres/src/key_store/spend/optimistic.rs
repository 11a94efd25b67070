use std::collections::{HashMap, HashSet};

use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Ledger, Verdict};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row as _, query};

use super::changes::{Changes, set_from_changes};
use super::find::{find, forms_of, read_row};
use super::version::Version;
use crate::error::{lost_race, store_error};
use crate::owner::OwnerColumns;
use crate::row::Reader;

/// Writes the rows that nobody has written since they were read, and returns their ids. One that had to wait for
/// somebody else's write finds another version behind it, and leaves the row alone.
///
/// The rows come in the order of ids, and are written in it, so that two processes do not wait in a circle. Should the
/// server choose another order some day, it ends one of the two, which has lost the race then.
const UPDATE: &str = concat!(
    r#"update "apikey" as k "#,
    set_from_changes!(),
    r#"from unnest($1, $2, $3, $4, $5, $6, $7, $8)
            as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at, version)
        where k."id" = c.id and k.xmin = c.version
        returning k."id""#
);

/// Settles attempts on the rows as they are read, and keeps what nobody else has changed meanwhile. `None` = somebody was
/// faster at the attempt's row, so that the answer does not count, and nothing of it was kept.
pub(super) async fn settle(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Option<Result<Verdict, StoreError>>>, StoreError> {
    let find = query(by_owner_columns!(owner_columns, find, ""));
    let rows = find.bind(forms_of(attempts)).fetch_all(&mut *connection).await.map_err(store_error)?;
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    let verdicts = ledger.settle(attempts.iter().copied(), policy, now);
    let Some(changes) = Changes::of(&ledger)? else {
        return Ok(verdicts.into_iter().map(Some).collect());
    };
    let versions: HashMap<&str, Version> = rows.iter().filter_map(read_version).collect();
    let asked: Vec<&str> = changes.ids.clone();
    let versions: Vec<Option<Version>> = asked.iter().map(|id| versions.get(id).copied()).collect();
    let written = match changes.bind(UPDATE).bind(versions).fetch_all(connection).await {
        Ok(written) => written,
        Err(error) if lost_race(&error) => Vec::new(),
        Err(error) => return Err(store_error(error)),
    };
    let written: HashSet<&str> = written.iter().filter_map(|row| row.try_get(0).ok()).collect();
    let lost: HashSet<&str> = asked.into_iter().filter(|id| !written.contains(id)).collect();
    let counts = |answer: &Result<Verdict, StoreError>| key_of(answer).is_none_or(|id| !lost.contains(id.as_str()));
    Ok(verdicts.into_iter().map(|answer| Some(answer).filter(counts)).collect())
}

fn read_version(row: &PgRow) -> Option<(&str, Version)> {
    let reader = Reader::new(row, "apikey", "id");
    Some((reader.text("id").ok()??, row.try_get("version").ok()?))
}

/// The key whose row an answer was decided on.
fn key_of(answer: &Result<Verdict, StoreError>) -> Option<&KeyId> {
    match answer {
        Ok(Verdict::Accepted(key)) => Some(&key.details.id),
        Ok(Verdict::Refused(refusal)) => refusal.key_id.as_ref(),
        Err(_) => None,
    }
}
