//! Statements that read keys together with their owners and uses.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::ControlFlow;

use keymint_domain::anomaly::{HourCounts, KnownNetwork, KnownNetworks};
use keymint_domain::event::EventKind;
use keymint_domain::metering::Hour;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{BusyKey, StoreError, SurveyPortion, SurveyQuery, SurveyedKey};

use crate::connection::{end, fetch_all, fetch_optional};
use crate::keys::narrow;
use crate::usage::{count, find_activities};
use crate::{OwnerColumns, ReadConnection, Row, RowReader, Statement, WriteConnection, read_key, read_owner};

/// Reads a portion of keys.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn survey(
    connection: &mut dyn ReadConnection,
    owner_columns: OwnerColumns,
    query: &SurveyQuery,
) -> Result<SurveyPortion, StoreError> {
    let SurveyQuery { owner, configurations, uses_since, after, limit } = query;
    // The ids alone: of one owner's many keys, they are found and sorted without a look at the rows.
    let mut page = Statement::new(r#"select "id" from "apikey" where true"#);
    if let Some(owner) = owner {
        let owner = page.placeholder(owner.as_str());
        page.push(&format!(r#" and "referenceId" = {owner}"#));
    }
    narrow(&mut page, configurations, connection.dialect());
    if let Some(after) = after {
        let after = page.placeholder(after.as_str());
        page.push(&format!(r#" and "id" > {after}"#));
    }
    let most = page.placeholder(i64::from(limit.get()));
    page.push(&format!(r#" order by "id" limit {most}"#));
    let (columns, ban) = (columns!("k."), owner_columns.selected());
    let statement = page.map_text(|page| {
        format!(
            r#"select {columns}, u."id" as "owner_id", {ban}
            from "apikey" as k left join "user" as u on u."id" = k."referenceId"
            where k."id" in ({page}) order by k."id""#
        )
    });
    let (mut portion, mut rows, mut last, mut failure) = (SurveyPortion::default(), 0_u32, None, None);
    let mut take = |row: &dyn Row| {
        rows += 1;
        last = RowReader::new(row, "apikey", "id").id().ok().or(last.take());
        match read_key(row).and_then(|key| Ok((key, read_owner(row)?))) {
            Ok((key, owner)) => {
                portion.keys.push(SurveyedKey { key, owner, last_use: None, accepted: 0, refused: 0 });
            }
            Err(StoreError::Corrupt { .. }) => portion.unreadable += 1,
            Err(error) => failure = Some(error),
        }
        ControlFlow::Continue(())
    };
    connection.fetch(statement, &mut take).await?;
    if let Some(error) = failure {
        return Err(error);
    }
    portion.next = last.filter(|_| rows >= limit.get());
    add_uses(connection, &mut portion.keys, *uses_since).await?;
    Ok(portion)
}

/// Adds what is known of the uses of keys. Their tables may be on another node than the keys, so that no statement joins them.
async fn add_uses(
    connection: &mut dyn ReadConnection,
    keys: &mut [SurveyedKey],
    since: Hour,
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let ids: Vec<KeyId> = keys.iter().map(|surveyed| surveyed.key.details.id.clone()).collect();
    let activities = find_activities(connection, &ids).await?;
    let last_uses: HashMap<_, _> =
        activities.into_iter().filter_map(|activity| Some((activity.key, activity.last_use?))).collect();
    let sum = |condition: &str| {
        format!(r#"cast(coalesce(sum(case when "outcome" {condition} then "calls" else 0 end), 0) as bigint)"#)
    };
    let (accepted, refused) = (sum("= ''"), sum("<> ''"));
    let count = Statement::new(format!(
        r#"select "keyId", {accepted} as "accepted", {refused} as "refused" from "keymint_usage"
            where "keyId" {} and "hour" >= $2 group by "keyId""#,
        connection.dialect().one_of("$1"),
    ));
    let count = count.bind(ids.iter().map(KeyId::as_str).collect::<Vec<_>>()).bind(since.number());
    let counts = fetch_all(connection, count, |row| {
        let row = RowReader::new(row, "keymint_usage", "keyId");
        let number = |column| row.required(column, row.number(column)?);
        Ok((row.id()?, (number("accepted")?, number("refused")?)))
    });
    let counts: HashMap<_, _> = counts.await?.into_iter().collect();
    for surveyed in keys {
        let id = &surveyed.key.details.id;
        surveyed.last_use = last_uses.get(id).copied();
        (surveyed.accepted, surveyed.refused) = counts.get(id).copied().unwrap_or_default();
    }
    Ok(())
}

/// Finds the earliest hour of recorded uses.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn recorded_since(connection: &mut dyn ReadConnection) -> Result<Option<Hour>, StoreError> {
    // Each span has its first hour at the beginning of the index.
    const FIRST: &str = r#"select min("hour") as "hour" from (
            select min("hour") as "hour" from "keymint_usage" where "hours" = 1
            union all select min("hour") from "keymint_usage" where "hours" = 24) as "first""#;
    let read = |row: &dyn Row| RowReader::new(row, "keymint_usage", "hour").integer("hour");
    let first = fetch_optional(connection, Statement::new(FIRST), read).await?;
    Ok(first.flatten().map(Hour::from_number))
}

/// Finds those of these keys whose leak was reported, with the instant of the last report.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn leaks_of(
    connection: &mut dyn ReadConnection,
    keys: &[KeyId],
) -> Result<Vec<(KeyId, Timestamp)>, StoreError> {
    let one_of = connection.dialect().one_of("$2");
    // The index of keys has sealed events alone.
    let found = |state: &str| {
        format!(
            r#"select "key_id", "at" from "keymint_event"
                where "position" {state} and "kind" = $1 and "key_id" {one_of}"#
        )
    };
    let find = Statement::new(format!(
        r#"select "key_id", max("at") as "at" from ({} union all {}) as "leaks" group by "key_id""#,
        found("is null"),
        found("is not null")
    ));
    let keys = keys.iter().map(KeyId::as_str).collect::<Vec<_>>();
    fetch_all(connection, find.bind(EventKind::KeyLeaked.as_str()).bind(keys), |row| {
        let row = RowReader::new(row, "keymint_event", "key_id");
        Ok((row.id()?, Timestamp::from_millis(row.required("at", row.integer("at")?)?)))
    })
    .await
}

/// Finds keys that were called often in an hour.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn busy_keys(
    connection: &mut dyn ReadConnection,
    hour: Hour,
    least: u64,
    after: Option<&KeyId>,
    limit: NonZeroU32,
) -> Result<Vec<BusyKey>, StoreError> {
    let sum = |condition: &str| {
        format!(r#"cast(coalesce(sum(case when u."outcome" {condition} then u."calls" else 0 end), 0) as bigint)"#)
    };
    let before = |condition: &str| {
        let sum = sum(condition);
        format!(
            r#"(select {sum} from "keymint_usage" as u
                where u."keyId" = b."keyId" and u."hours" = 1 and u."hour" = $2)"#
        )
    };
    let (accepted, refused) = (sum("= ''"), sum("<> ''"));
    let (accepted_before, refused_before) = (before("= ''"), before("<> ''"));
    let mut page = Statement::new(format!(
        r#"select u."keyId", {accepted} as "accepted", {refused} as "refused"
        from "keymint_usage" as u where u."hours" = 1 and u."hour" = $1"#
    ));
    page = page.bind(hour.number()).bind(hour.minus_days(7).number());
    if let Some(after) = after {
        let after = page.placeholder(after.as_str());
        page.push(&format!(r#" and u."keyId" > {after}"#));
    }
    let (least, limit) = (page.placeholder(count(least)), page.placeholder(i64::from(limit.get())));
    page.push(&format!(r#" group by u."keyId" having sum(u."calls") >= {least} order by u."keyId" limit {limit}"#));
    let find = page.map_text(|page| {
        format!(
            r#"select b.*, {accepted_before} as "accepted_before", {refused_before} as "refused_before"
            from ({page}) as b order by b."keyId""#
        )
    });
    fetch_all(connection, find, read_busy).await
}

fn read_busy(row: &dyn Row) -> Result<BusyKey, StoreError> {
    let row = RowReader::new(row, "keymint_usage", "keyId");
    let number = |column| row.required(column, row.number(column)?);
    Ok(BusyKey {
        id: row.id()?,
        calls: HourCounts { accepted: number("accepted")?, refused: number("refused")? },
        week_before: HourCounts { accepted: number("accepted_before")?, refused: number("refused_before")? },
    })
}

/// Finds the networks that a key was used from.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn known_networks(connection: &mut dyn ReadConnection, key: &KeyId) -> Result<KnownNetworks, StoreError> {
    const FIND: &str =
        r#"select "keyId", "network", "firstSeen", "lastSeen" from "keymint_key_network" where "keyId" = $1"#;
    let networks = fetch_all(connection, Statement::new(FIND).bind(key.as_str()), |row| {
        let row = RowReader::new(row, "keymint_key_network", "keyId");
        Ok(KnownNetwork {
            network: row.required_text("network")?.into(),
            first_seen: row.required_instant("firstSeen")?,
            last_seen: row.required_instant("lastSeen")?,
        })
    });
    Ok(KnownNetworks::new(networks.await?))
}

/// Remembers a use of a key from a network.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn note_network(
    connection: &mut dyn WriteConnection,
    key: &KeyId,
    network: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection.begin().await?;
    let outcome = note_once(connection, key, network, at).await;
    end(connection, outcome).await
}

async fn note_once(
    connection: &mut dyn WriteConnection,
    key: &KeyId,
    network: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    const NOTE: &str = r#"insert into "keymint_key_network" ("keyId", "network", "firstSeen", "lastSeen")
        values ($1, $2, $3, $3) on conflict ("keyId", "network") do update set "lastSeen" = excluded."lastSeen"
        where "keymint_key_network"."lastSeen" < excluded."lastSeen""#;
    const FORGET: &str = r#"delete from "keymint_key_network" where "keyId" = $1 and "network" not in (
        select "network" from "keymint_key_network" where "keyId" = $1 order by "lastSeen" desc, "network" limit $2)"#;
    let most = i64::try_from(KnownNetworks::MOST).unwrap_or(i64::MAX);
    connection.execute(Statement::new(NOTE).bind(key.as_str()).bind(network).bind(at)).await?;
    connection.execute(Statement::new(FORGET).bind(key.as_str()).bind(most)).await?;
    Ok(())
}

/// Forgets networks that were last used before an instant.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn forget_networks(
    connection: &mut dyn WriteConnection,
    before: Timestamp,
    limit: NonZeroU32,
) -> Result<u32, StoreError> {
    const OLDEST: &str = r#"where "lastSeen" < $1 order by "lastSeen" limit $2"#;
    let rows = connection.dialect().rows_unlocked("keymint_key_network", r#""keyId", "network""#, OLDEST);
    let forget = Statement::new(format!(r#"delete from "keymint_key_network" where {rows}"#));
    let forgotten = connection.execute(forget.bind(before).bind(i64::from(limit.get()))).await?;
    Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
}
