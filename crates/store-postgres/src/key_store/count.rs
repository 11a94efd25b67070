use std::num::NonZeroU32;

use keymint_domain::Timestamp;
use keymint_domain::key::{KeyCounts, KeyState, StateFacts};
use keymint_ports::{CountCursor, CountedPortion, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::query_as;

use crate::error::store_error;
use crate::instant::Instant;

/// How many keys have these facts in common, revoked, enabled, expired, nothing left, refilled; and the last id of the
/// portion.
type Group = (i64, bool, bool, bool, bool, bool, String);

/// Counts a portion, in the order of ids: a row has no other place that it keeps when it is updated. Which id is the last is
/// asked of the database, which may compare texts by any language's rules.
pub(super) async fn count(
    connection: &mut PgConnection,
    now: Timestamp,
    from: Option<CountCursor>,
    limit: NonZeroU32,
) -> Result<CountedPortion, StoreError> {
    const COUNT: &str = concat!(
        r#"select count(*), "keymint_revoked_at" is not null, coalesce("enabled", true),"#,
        r#" coalesce("expiresAt" < $1, false), coalesce("remaining" <= 0, false), "refillAmount" is not null, max(max("id")) over ()"#,
        r#" from (select "id", "keymint_revoked_at", "enabled", "expiresAt", "remaining", "refillAmount" from "apikey""#,
        r#" where "id" > $2 order by "id" limit $3) as "portion" group by 2, 3, 4, 5, 6"#,
    );
    // No id is empty.
    let behind = from.as_ref().map_or("", CountCursor::as_str);
    let count = query_as(COUNT).bind(Instant(now)).bind(behind).bind(i64::from(limit.get()));
    let groups: Vec<Group> = count.fetch_all(connection).await.map_err(store_error)?;
    let (mut counts, mut last) = (KeyCounts::default(), None);
    for (keys, is_revoked, is_enabled, is_expired, has_none_left, is_refilled, id) in groups {
        let facts = StateFacts { is_revoked, is_enabled, is_expired, has_none_left, is_refilled };
        counts.add(KeyState::of(facts), keys.unsigned_abs());
        last = Some(id);
    }
    Ok(CountedPortion::new(counts, last, limit))
}
