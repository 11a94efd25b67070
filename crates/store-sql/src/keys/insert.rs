use std::num::NonZeroU32;

use keymint_domain::ApiKey;
use keymint_domain::event::Origin;
use keymint_ports::StoreError;

use crate::columns::{COLUMN_LIST, CONFIG_ID};
use crate::connection::{end, fetch_optional};
use crate::events;
use crate::row::bind_key;
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
    let insert = bind_key(insert_statement(), key, widths)?;
    connection.forget(&key.details.stored);
    connection.begin().await?;
    let outcome = insert_unless_full(connection, key, max_living, insert, origin).await;
    end(connection, outcome).await
}

fn insert_statement<'k>() -> Statement<'k> {
    let placeholders: Vec<_> = (1..=COLUMNS.len()).map(|number| format!("${number}")).collect();
    Statement::new(format!(r#"insert into "apikey" ({COLUMN_LIST}) values ({})"#, placeholders.join(", ")))
}

async fn insert_unless_full(
    connection: &mut dyn WriteConnection,
    key: &ApiKey,
    max_living: Option<NonZeroU32>,
    insert: Statement<'_>,
    origin: &Origin,
) -> Result<(), StoreError> {
    if let Some(max) = max_living {
        let (owner, configuration) = (key.details.owner.as_str(), key.details.config_id.as_str());
        connection.lock(&format!("keymint keys {owner} {configuration}")).await?;
        if count_living(connection, key).await? >= max.get().into() {
            return Err(StoreError::OwnerFull);
        }
    }
    connection.execute(insert).await?;
    events::insert(connection, origin.key_created(key)).await?;
    Ok(())
}

/// Counts the keys of the same owner and configuration that are alive when `key` is made.
async fn count_living(connection: &mut dyn ReadConnection, key: &ApiKey) -> Result<u64, StoreError> {
    let has_expired = connection.dialect().is_before(r#""expiresAt""#, "$3");
    let new = &key.details;
    let count = Statement::new(format!(
        r#"select count(*) as "living" from "apikey" where "referenceId" = $1 and {CONFIG_ID} = $2
            and not {has_expired} and "keymint_revoked_at" is null"#
    ));
    let count = count.bind(new.owner.as_str()).bind(new.config_id.as_str()).bind(new.created_at);
    let living = fetch_optional(connection, count, |row| RowReader::new(row, "apikey", "id").number("living"));
    Ok(living.await?.flatten().unwrap_or(0))
}
