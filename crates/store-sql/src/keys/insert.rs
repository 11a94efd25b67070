use std::num::NonZeroU32;
use std::sync::LazyLock;

use keymint_domain::event::Origin;
use keymint_domain::{ApiKey, ConfigId, OwnerId, Timestamp};
use keymint_ports::StoreError;

use super::place::check_free;
use crate::columns::{COLUMN_LIST, CONFIG_ID};
use crate::connection::{end, fetch_optional};
use crate::events;
use crate::row::bind_key;
use crate::statement::value_lists;
use crate::{COLUMNS, ReadConnection, RowReader, Statement, Widths, WriteConnection};

/// Adds a key, if its owner has fewer than `max_living` living keys under the same configuration.
///
/// # Errors
/// [`StoreError::OwnerFull`], [`StoreError::Duplicate`], [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn insert(
    connection: &mut dyn WriteConnection,
    key: &ApiKey,
    max_living: Option<NonZeroU32>,
    widths: Widths,
    origin: &Origin,
) -> Result<(), StoreError> {
    let insert = bind_key(insert_statement(1), key, widths)?;
    connection.forget(&key.details.stored);
    connection.begin().await?;
    let outcome = insert_unless_full(connection, key, max_living, insert, origin).await;
    end(connection, outcome).await
}

/// Returns the statement that adds so many keys, without their values.
pub(super) fn insert_statement<'k>(keys: usize) -> Statement<'k> {
    fn text(keys: usize) -> String {
        format!(r#"insert into "apikey" ({COLUMN_LIST}) values {}"#, value_lists(keys, COLUMNS.len()))
    }
    // Some databases add each key of many by itself.
    static ONE: LazyLock<String> = LazyLock::new(|| text(1));
    if keys == 1 { Statement::new(ONE.as_str()) } else { Statement::new(text(keys)) }
}

async fn insert_unless_full(
    connection: &mut dyn WriteConnection,
    key: &ApiKey,
    max_living: Option<NonZeroU32>,
    insert: Statement<'_>,
    origin: &Origin,
) -> Result<(), StoreError> {
    if let Some(max) = max_living {
        let new = &key.details;
        check_room(connection, &new.owner, &new.config_id, max, new.created_at).await?;
    }
    check_free(connection, &key.details.id).await?;
    connection.execute(insert).await?;
    events::insert(connection, origin.key_created(key)).await?;
    Ok(())
}

/// Checks that an owner has room for one more key under a configuration. Until the transaction ends, no other call takes
/// it.
///
/// # Errors
/// [`StoreError::OwnerFull`], [`StoreError::Unavailable`]
pub(super) async fn check_room(
    connection: &mut dyn WriteConnection,
    owner: &OwnerId,
    config_id: &ConfigId,
    max_living: NonZeroU32,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection.lock(&format!("keymint keys {} {}", owner.as_str(), config_id.as_str())).await?;
    let living = count_living(connection, owner, config_id, now).await?;
    if living >= max_living.get().into() { Err(StoreError::OwnerFull) } else { Ok(()) }
}

/// Counts the keys of an owner under a configuration that are alive at `now`.
async fn count_living(
    connection: &mut dyn ReadConnection,
    owner: &OwnerId,
    config_id: &ConfigId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let has_expired = connection.dialect().is_before(r#""expiresAt""#, "$3");
    let count = Statement::new(format!(
        r#"select count(*) as "living" from "apikey" where "referenceId" = $1 and {CONFIG_ID} = $2
            and not {has_expired} and "keymint_revoked_at" is null"#
    ));
    let count = count.bind(owner.as_str()).bind(config_id.as_str()).bind(now);
    let living = fetch_optional(connection, count, |row| RowReader::new(row, "apikey", "id").number("living"));
    Ok(living.await?.flatten().unwrap_or(0))
}
