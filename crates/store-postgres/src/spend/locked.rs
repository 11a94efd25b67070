use std::collections::HashSet;

use keymint_domain::Timestamp;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Ledger};
use keymint_ports::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row as _, query, query_scalar};

use super::Answers;
use super::changes::{Changes, set_from_changes};
use super::events::{NewEvents, insert_events};
use super::find::{either, find, find_either, forms_of, read_row, read_rows, secrets_of};
use crate::connection::{BEGIN, bind};
use crate::error::store_error;
use keymint_store_sql::{OwnerColumns, keys::rotation_change};

const UPDATE: &str = concat!(
    r#"update "apikey" as k "#,
    set_from_changes!(),
    r#"from unnest($1, $2, $3, $4, $5, $6, $7)
            as c (id, remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at)
        where k."id" = c.id"#
);

const INSERT_EVENTS: &str =
    concat!(insert_events!("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8"), r#"on conflict ("id") do nothing"#,);

/// The treatment of rows that somebody else has locked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Others {
    /// Wait for them.
    Wait,
    /// Leave them: the attempts on them are answered [`StoreError::Locked`].
    Skip,
}

/// Settles all attempts in one transaction that holds the lock on their rows.
pub(super) async fn settle(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    others: Others,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Answers, StoreError> {
    macro_rules! lock {
        ($skip:literal) => {
            concat!(
                r#"select k."id" from "apikey" as k where "#,
                either!(),
                r#" order by k."id" collate "C" for update"#,
                $skip
            )
        };
    }
    let lock = match others {
        Others::Wait => lock!(""),
        Others::Skip => lock!(" skip locked"),
    };
    let forms = forms_of(attempts);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let held: HashSet<String> = match query_scalar(lock).bind(&forms).fetch_all(&mut *transaction).await {
        Ok(held) => held.into_iter().collect(),
        Err(error) => {
            let error = store_error(error);
            if matches!(error, StoreError::Locked) {
                transaction.rollback().await.map_err(store_error)?;
            }
            return Err(error);
        }
    };
    let in_use = query(find(owner_columns)).bind(forms);
    let rows = in_use.fetch_all(&mut *transaction).await.map_err(store_error)?;
    let mut ledger = Ledger::new(rows.iter().filter_map(read_row));
    let unfound: Vec<&Attempt> = ledger.unfound(attempts.iter().copied()).collect();
    let mut further = Vec::new();
    if !unfound.is_empty() {
        let either = query(find_either(owner_columns)).bind(forms_of(&unfound));
        further = either.fetch_all(&mut *transaction).await.map_err(store_error)?;
        ledger.add(read_rows(&further, &unfound));
    }
    // A row that exists and is not locked by us decides nothing, even if another row has the same text.
    let beyond: HashSet<&str> = rows.iter().chain(&further).flat_map(|row| beyond_reach(row, &held)).collect();
    let is_free = |attempt: &Attempt| !attempt.stored_forms().any(|form| beyond.contains(form.as_str()));
    let free = attempts.iter().copied().filter(|attempt| is_free(attempt));
    let mut verdicts = ledger.settle(free, policy, now).into_iter();
    let (changes, mut rotations) = (Changes::of(ledger.changes())?, ledger.rotations().peekable());
    if changes.is_none() && rotations.peek().is_none() {
        transaction.rollback().await.map_err(store_error)?;
    } else {
        if let Some(changes) = changes {
            changes.bind(UPDATE).execute(&mut *transaction).await.map_err(store_error)?;
        }
        for key in rotations {
            bind(rotation_change(key)).execute(&mut *transaction).await.map_err(store_error)?;
        }
        let events = ledger.events(policy, now);
        if !events.is_empty() {
            let insert = NewEvents::of(&events).bind(query(INSERT_EVENTS));
            insert.execute(&mut *transaction).await.map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)?;
    }
    let locked = || Err(StoreError::Locked);
    let answer = |attempt: &&Attempt| if is_free(attempt) { verdicts.next().unwrap_or_else(locked) } else { locked() };
    Ok(attempts.iter().map(answer).collect())
}

/// Returns the texts that a row is kept under, unless the row is `held`.
fn beyond_reach<'r>(row: &'r PgRow, held: &HashSet<String>) -> impl Iterator<Item = &'r str> + use<'r> {
    let is_held = row.try_get::<&str, _>("id").is_ok_and(|id| held.contains(id));
    secrets_of(row).filter(move |_| !is_held)
}
