use keymint_domain::Timestamp;
use keymint_domain::key::{KeyCounts, KeyState, StateFacts};
use keymint_ports::StoreError;
use sqlx::query_as;
use sqlx::sqlite::SqlitePool;

use crate::error::store_error;

/// How many keys have these facts in common: revoked, enabled, expired, nothing left, refilled.
type Group = (i64, bool, bool, bool, bool, bool);

pub(super) async fn count(readers: &SqlitePool, now: Timestamp) -> Result<KeyCounts, StoreError> {
    const COUNT: &str = concat!(
        r#"select count(*), "keymint_revoked_at" is not null, coalesce("enabled", 1) <> 0,"#,
        r#" coalesce("expiresAt" < ?1 and typeof("expiresAt") = 'text', 0), coalesce("remaining" = 0, 0),"#,
        r#" "refillAmount" is not null from "apikey" group by 2, 3, 4, 5, 6"#,
    );
    let groups: Vec<Group> = query_as(COUNT).bind(now.to_string()).fetch_all(readers).await.map_err(store_error)?;
    let mut counts = KeyCounts::default();
    for (keys, is_revoked, is_enabled, is_expired, has_none_left, is_refilled) in groups {
        let facts = StateFacts { is_revoked, is_enabled, is_expired, has_none_left, is_refilled };
        counts.add(KeyState::of(facts), keys.unsigned_abs());
    }
    Ok(counts)
}
