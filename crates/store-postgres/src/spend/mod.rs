//! Settles batches of attempts. First without locks, in two round trips at most: reads the rows that are not
//! remembered, and writes those that are unchanged. On conflict an attempt is settled again; after too many conflicts,
//! with locks, in four round trips.

mod changes;
mod dry_run;
mod events;
mod find;
mod locked;
mod optimistic;
mod probe;
mod remembered;
mod version;

use self::locked::Others;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;

use crate::deadline::Deadline;
use crate::shards::Shards;
use keymint_store_sql::OwnerColumns;

pub(crate) use dry_run::dry_run;
pub(crate) use probe::probe;
pub(crate) use remembered::RememberedRows;

/// The table of keys, as statements must name its rows.
#[derive(Clone, Copy)]
pub(crate) struct Table<'s> {
    pub(crate) owner_columns: OwnerColumns,
    /// The shards of its rows; `None` = it is whole.
    pub(crate) shards: Option<&'s Shards>,
}

impl Table<'_> {
    /// Divides keys by what one statement may change.
    fn divide<'k>(&self, keys: Vec<&'k ApiKey>) -> Vec<Vec<&'k ApiKey>> {
        match self.shards {
            Some(shards) => shards.divide_by(keys.into_iter().map(|key| (key.details.stored.as_str(), key))),
            None => vec![keys],
        }
    }
}

/// Answers in the order of their attempts.
type Answers = Vec<Result<Verdict, StoreError>>;

/// The reason why nothing of a batch counted.
pub(crate) enum Failed {
    /// The connection broke before anything was to be written, so that the batch may be settled on another one.
    Unwritten(StoreError),
    /// Anything else.
    Otherwise(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Otherwise(error)
    }
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unwritten(error) | Failed::Otherwise(error) => error,
        }
    }
}

/// The number of rounds without locks. A row that several processes use heavily would conflict in every round.
const OPTIMISTIC_ROUNDS: u32 = 2;

pub(crate) async fn spend(
    connection: &mut PgConnection,
    deadline: Deadline,
    table: Table<'_>,
    rows: &RememberedRows,
    attempts: &[Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Answers, Failed> {
    let rows = may_use_remembered(table, attempts, policy).then_some(rows);
    let mut answers: Vec<Option<Result<Verdict, StoreError>>> = vec![None; attempts.len()];
    for round in 0..=OPTIMISTIC_ROUNDS {
        let open: Vec<usize> = (0..attempts.len()).filter(|index| answers[*index].is_none()).collect();
        if open.is_empty() {
            break;
        }
        let asked: Vec<&Attempt> = open.iter().map(|index| &attempts[*index]).collect();
        let settled = if round < OPTIMISTIC_ROUNDS {
            deadline.bound(optimistic::settle(connection, table, rows, &asked, policy, now)).await
        } else {
            Box::pin(with_locks(connection, deadline, table, Others::Wait, &asked, policy, now)).await
        };
        // Nothing of this round was kept.
        let settled = match settled {
            Err(Failed::Otherwise(StoreError::Locked)) => {
                Box::pin(with_locks(connection, deadline, table, Others::Skip, &asked, policy, now)).await
            }
            settled => settled,
        };
        let settled: Vec<_> = match settled {
            Err(failed) if round == 0 => return Err(failed),
            // What an earlier round has settled counts.
            Err(failed) => vec![Some(Err(failed.into())); open.len()],
            Ok(settled) => settled,
        };
        for (index, answer) in open.into_iter().zip(settled) {
            answers[index] = answer;
        }
    }
    let unsettled = || Err(StoreError::unavailable("an attempt was lost"));
    Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(unsettled)).collect())
}

async fn with_locks(
    connection: &mut PgConnection,
    deadline: Deadline,
    table: Table<'_>,
    others: Others,
    attempts: &[&Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Option<Result<Verdict, StoreError>>>, Failed> {
    let settling = locked::settle(connection, table, others, attempts, policy, now);
    Ok(deadline.bound(settling).await?.into_iter().map(Some).collect())
}

/// Returns `true` if the rows of keys alone decide these attempts: a remembered row says nothing of its owner's row,
/// nor of other rows that might hold the key.
///
/// A version is a number of one server. A row that has moved to another node may have any number there, so that none is
/// remembered where keys are in shards.
fn may_use_remembered(table: Table<'_>, attempts: &[Attempt], policy: &Policy) -> bool {
    table.owner_columns == OwnerColumns::NoBan
        && table.shards.is_none()
        && !policy.require_owner
        && !policy.any_unhashed()
        && attempts.iter().all(|attempt| attempt.opens_session_by.is_none())
}
