use keymint_domain::Timestamp;
use keymint_domain::key::{KeyCounts, KeyState, StateFacts};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query, query_as};

use super::BEGIN;
use crate::error::store_error;
use crate::instant::Instant;

/// How many keys have these facts in common: revoked, enabled, expired, nothing left, refilled.
type Group = (i64, bool, bool, bool, bool, bool);

/// For the one statement that wants every row: reading them by an index would be the long way round, and nobody waits
/// for the end of it.
const WHOLE_TABLE: &str =
    "select set_config('enable_seqscan', 'on', true), set_config('statement_timeout', '60s', true)";

pub(super) async fn count(connection: &mut PgConnection, now: Timestamp) -> Result<KeyCounts, StoreError> {
    const COUNT: &str = concat!(
        r#"select count(*), "keymint_revoked_at" is not null, coalesce("enabled", true),"#,
        r#" coalesce("expiresAt" < $1, false), coalesce("remaining" = 0, false), "refillAmount" is not null"#,
        r#" from "apikey" group by 2, 3, 4, 5, 6"#,
    );
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    query(WHOLE_TABLE).execute(&mut *transaction).await.map_err(store_error)?;
    let groups: Vec<Group> =
        query_as(COUNT).bind(Instant(now)).fetch_all(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    let mut counts = KeyCounts::default();
    for (keys, is_revoked, is_enabled, is_expired, has_none_left, is_refilled) in groups {
        let facts = StateFacts { is_revoked, is_enabled, is_expired, has_none_left, is_refilled };
        counts.add(KeyState::of(facts), keys.unsigned_abs());
    }
    Ok(counts)
}
