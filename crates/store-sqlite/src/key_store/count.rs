use std::num::NonZeroU32;

use keymint_domain::Timestamp;
use keymint_domain::key::{KeyCounts, KeyState, StateFacts};
use keymint_ports::{CountCursor, CountedPortion, StoreError};
use sqlx::query_as;
use sqlx::sqlite::SqlitePool;

use crate::error::store_error;

/// How many keys have these facts in common, revoked, enabled, expired, nothing left, refilled; and the number of the
/// portion's last row.
type Group = (i64, bool, bool, bool, bool, bool, i64);

/// Counts a portion, in the order of the rows in the file: by their ids each would be looked for at another place. A row
/// keeps its number for as long as it lives, unless somebody rebuilds the whole file.
pub(super) async fn count(
    readers: &SqlitePool,
    now: Timestamp,
    from: Option<CountCursor>,
    limit: NonZeroU32,
) -> Result<CountedPortion, StoreError> {
    const COUNT: &str = concat!(
        r#"select count(*), "keymint_revoked_at" is not null, coalesce("enabled", 1) <> 0,"#,
        " ",
        expires_before!("?1"),
        r#", coalesce("remaining" <= 0, 0),"#,
        r#" "refillAmount" is not null, max(max("number")) over () from (select rowid as "number", "keymint_revoked_at", "enabled","#,
        r#" "expiresAt", "remaining", "refillAmount" from "apikey" where rowid > cast(?2 as integer) order by rowid limit ?3)"#,
        r#" group by 2, 3, 4, 5, 6"#,
    );
    let behind = from.as_ref().map_or(BEFORE_ALL, CountCursor::as_str);
    let count = query_as(COUNT).bind(now.to_string()).bind(behind).bind(limit.get());
    let groups: Vec<Group> = count.fetch_all(readers).await.map_err(store_error)?;
    let (mut counts, mut last) = (KeyCounts::default(), None);
    for (keys, is_revoked, is_enabled, is_expired, has_none_left, is_refilled, number) in groups {
        let facts = StateFacts { is_revoked, is_enabled, is_expired, has_none_left, is_refilled };
        counts.add(KeyState::of(facts), keys.unsigned_abs());
        last = Some(number);
    }
    Ok(CountedPortion::new(counts, last.map(|number| number.to_string()), limit))
}

/// SQLite numbers rows from 1.
const BEFORE_ALL: &str = "0";
