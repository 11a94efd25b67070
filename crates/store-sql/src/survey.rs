//! Statements that read keys together with their owners and uses.

use std::num::NonZeroU32;
use std::ops::ControlFlow;

use keymint_domain::KeyId;
use keymint_domain::metering::{Hour, LastUse};
use keymint_ports::{StoreError, SurveyPortion, SurveyQuery, SurveyedKey};

use crate::connection::{fetch_all, fetch_optional};
use crate::keys::narrow;
use crate::usage::{count, read_network};
use crate::{OwnerColumns, ReadConnection, Row, RowReader, Statement, read_key, read_owner};

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
    let mut page = Statement::new(r#"select * from "apikey" where true"#);
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
    let since = page.placeholder(uses_since.number());
    let sum = |condition: &str| {
        format!(
            r#"(select cast(coalesce(sum("calls"), 0) as bigint) from "keymint_usage" as c
                where c."keyId" = k."id" and c."hour" >= {since} and c."outcome" {condition})"#
        )
    };
    let (accepted, refused) = (sum("= ''"), sum("<> ''"));
    let (columns, ban) = (columns!("k."), owner_columns.selected());
    let statement = page.map_text(|page| {
        format!(
            r#"select {columns}, u."id" as "owner_id", {ban}, a."lastUsedAt" as "last_used_at",
                a."lastNetwork" as "last_network", {accepted} as "accepted", {refused} as "refused"
            from ({page}) as k left join "user" as u on u."id" = k."referenceId"
            left join "keymint_activity" as a on a."keyId" = k."id" order by k."id""#
        )
    });
    let (mut portion, mut rows, mut last, mut failure) = (SurveyPortion::default(), 0_u32, None, None);
    let mut take = |row: &dyn Row| {
        rows += 1;
        last = RowReader::new(row, "apikey", "id").id().ok().or(last.take());
        match read_surveyed(row) {
            Ok(key) => portion.keys.push(key),
            Err(StoreError::Corrupt { .. }) => portion.unreadable += 1,
            Err(error) => failure = Some(error),
        }
        ControlFlow::Continue(())
    };
    connection.fetch(statement, &mut take).await?;
    match failure {
        Some(error) => Err(error),
        None => Ok(SurveyPortion { next: last.filter(|_| rows >= limit.get()), ..portion }),
    }
}

fn read_surveyed(row: &dyn Row) -> Result<SurveyedKey, StoreError> {
    let (key, owner) = (read_key(row)?, read_owner(row)?);
    let row = RowReader::new(row, "keymint_activity", "id");
    let network = read_network(&row, "last_network")?;
    Ok(SurveyedKey {
        key,
        owner,
        last_use: row.instant("last_used_at")?.map(|at| LastUse { at, network }),
        accepted: row.required("accepted", row.number("accepted")?)?,
        refused: row.required("refused", row.number("refused")?)?,
    })
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
) -> Result<Vec<KeyId>, StoreError> {
    let mut find = Statement::new(r#"select "keyId" from "keymint_usage" where "hours" = 1 and "hour" = $1"#);
    find = find.bind(hour.number());
    if let Some(after) = after {
        let after = find.placeholder(after.as_str());
        find.push(&format!(r#" and "keyId" > {after}"#));
    }
    let (least, limit) = (find.placeholder(count(least)), find.placeholder(i64::from(limit.get())));
    find.push(&format!(r#" group by "keyId" having sum("calls") >= {least} order by "keyId" limit {limit}"#));
    fetch_all(connection, find, |row| RowReader::new(row, "keymint_usage", "keyId").id()).await
}
