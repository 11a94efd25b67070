use std::num::NonZeroU32;

use keymint_domain::key::{KeyCounts, KeyState, StateFacts};
use keymint_domain::{OwnerId, Timestamp};
use keymint_ports::{CountCursor, CountedPortion, StoreError};

use crate::connection::fetch_all;
use crate::{Dialect, ReadConnection, Row, RowReader, Statement};

/// Counts a portion of all keys, or of an owner's, by their state at `now`, from the cursor on.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn count(
    connection: &mut dyn ReadConnection,
    owner: Option<&OwnerId>,
    now: Timestamp,
    from: Option<&CountCursor>,
    limit: NonZeroU32,
) -> Result<CountedPortion, StoreError> {
    let dialect = connection.dialect();
    let (position, after) = (dialect.position(), dialect.position_of("$2"));
    let [is_revoked, is_enabled, is_expired, has_none_left, is_refilled] = state_facts(dialect, "$1");
    let of_owner = if owner.is_some() { r#"and "referenceId" = $4"# } else { "" };
    // The database says which position is the last: it may compare texts by the rules of any language.
    let count = format!(
        r#"select count(*) as "keys", {is_revoked} as "is_revoked", {is_enabled} as "is_enabled",
            {is_expired} as "is_expired", {has_none_left} as "has_none_left", {is_refilled} as "is_refilled",
            cast(max(max("position")) over () as text) as "last"
        from (select {position} as "position", "keymint_revoked_at", "enabled", "expiresAt", "remaining", "refillAmount"
            from "apikey" where {position} > {after} {of_owner} order by {position} limit $3) as "portion"
        group by 2, 3, 4, 5, 6"#
    );
    let mut count = Statement::new(count)
        .bind(now)
        .bind(from.map_or(dialect.first_position(), CountCursor::as_str))
        .bind(i64::from(limit.get()));
    if let Some(owner) = owner {
        count = count.bind(owner.as_str());
    }
    let (mut counts, mut last) = (KeyCounts::default(), None);
    for (facts, keys, position) in fetch_all(connection, count, read_group).await? {
        counts.add(KeyState::of(facts), keys);
        last = Some(position);
    }
    Ok(CountedPortion::new(counts, last, limit))
}

/// Returns the conditions of the facts that decide a key's state, in the order of [`StateFacts`]. None of them is null.
pub(super) fn state_facts(dialect: &dyn Dialect, now: &str) -> [String; 5] {
    [
        r#""keymint_revoked_at" is not null"#.to_owned(),
        r#"coalesce("enabled", true) <> false"#.to_owned(),
        dialect.is_before(r#""expiresAt""#, now),
        r#"coalesce("remaining" <= 0, false)"#.to_owned(),
        r#""refillAmount" is not null"#.to_owned(),
    ]
}

/// Reads the facts that keys have in common, their number, and the last position of the portion.
fn read_group(row: &dyn Row) -> Result<(StateFacts, u64, String), StoreError> {
    let row = RowReader::new(row, "apikey", "last");
    let flag = |column| row.required(column, row.flag(column)?);
    let facts = StateFacts {
        is_revoked: flag("is_revoked")?,
        is_enabled: flag("is_enabled")?,
        is_expired: flag("is_expired")?,
        has_none_left: flag("has_none_left")?,
        is_refilled: flag("is_refilled")?,
    };
    let keys = row.required("keys", row.number("keys")?)?;
    Ok((facts, keys, row.required_text("last")?.to_owned()))
}
