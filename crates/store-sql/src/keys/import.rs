use std::ops::ControlFlow;

use keymint_domain::ApiKey;
use keymint_domain::event::Origin;
use keymint_domain::key::{ForeignGroup, ForeignHash, ForeignLookup, StoredKey};
use keymint_ports::{ImportOutcome, StoreError, TakenKey, TakenKeys};

use super::foreign::foreign_groups;
use super::insert::insert_statement;
use crate::connection::end;
use crate::events;
use crate::row::bind_key;
use crate::{ReadConnection, Row, RowReader, Statement, Widths, WriteConnection};

/// Adds a portion of keys that were made elsewhere, except those whose id or secret is taken.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn import(
    connection: &mut dyn WriteConnection,
    keys: &[ApiKey],
    widths: Widths,
    origin: &Origin,
) -> Result<Vec<ImportOutcome>, StoreError> {
    for key in keys {
        connection.forget(&key.details.stored);
    }
    connection.begin().await?;
    let outcome = find_and_add(connection, keys, widths, origin).await;
    end(connection, outcome).await
}

/// The name of the lock on the secrets of keys, which no constraint keeps apart.
pub(super) const LOCK: &str = "keymint import";

async fn find_and_add(
    connection: &mut dyn WriteConnection,
    keys: &[ApiKey],
    widths: Widths,
    origin: &Origin,
) -> Result<Vec<ImportOutcome>, StoreError> {
    connection.lock(LOCK).await?;
    let outcomes = preview_import(connection, keys).await?;
    let is_new = |(key, outcome): (_, &ImportOutcome)| (*outcome == ImportOutcome::Added).then_some(key);
    let new: Vec<&ApiKey> = keys.iter().zip(&outcomes).filter_map(is_new).collect();
    for portion in new.chunks(connection.dialect().rows_at_once()) {
        connection.execute(insertion(portion, widths)?).await?;
    }
    events::insert(connection, new.iter().filter_map(|key| origin.key_imported(key))).await?;
    Ok(outcomes)
}

fn insertion<'k>(keys: &[&'k ApiKey], widths: Widths) -> Result<Statement<'k>, StoreError> {
    let insert = insert_statement(keys.len());
    keys.iter().try_fold(insert, |insert, key| bind_key(insert, key, widths))
}

/// Tells what an import would do with these keys.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn preview_import(
    connection: &mut dyn ReadConnection,
    keys: &[ApiKey],
) -> Result<Vec<ImportOutcome>, StoreError> {
    const SELECT: &str =
        r#"select "id", "key", "keymint_second_key", "keymint_foreign_hash", "keymint_foreign_lookup" from "apikey""#;
    let is_foreign = |key: &&ApiKey| key.details.foreign.is_some();
    let lookups: Vec<_> = keys.iter().filter_map(|key| key.details.foreign_lookup()).collect();
    let rehashed = keys.iter().filter_map(|key| key.details.foreign.as_deref()).map(ForeignLookup::rehashed);
    let rehashed: Vec<_> = rehashed.collect();
    let start = if lookups.iter().any(|lookup| lookup.start().is_some()) { start(connection).await? } else { None };
    let mut taken = TakenKeys::with_start(start);
    let ids = keys.iter().map(|key| key.details.id.as_str()).collect::<Vec<_>>();
    // Nobody has the random text of a key with a foreign hash.
    let secrets = keys.iter().filter(|key| !is_foreign(key)).map(|key| key.details.stored.as_str()).collect::<Vec<_>>();
    let lookups = lookups.iter().chain(&rehashed).map(ForeignLookup::as_str).collect::<Vec<_>>();
    let found_by =
        [("id", ids), ("key", secrets.clone()), ("keymint_second_key", secrets), ("keymint_foreign_lookup", lookups)];
    for (column, values) in found_by {
        if values.is_empty() {
            continue;
        }
        let one_of = connection.dialect().one_of("$1");
        let find = format!(r#"{SELECT} where "{column}" {one_of} and "{column}" is not null"#);
        let mut take = |row: &dyn Row| {
            let row = RowReader::new(row, "apikey", "id");
            // A row without a readable id or secret takes no place: no verification finds it.
            if let (Ok(id), Ok(stored)) = (row.id(), row.required_text("key")) {
                let text = |column| row.text(column).ok().flatten();
                let second = text("keymint_second_key");
                taken.add(TakenKey {
                    id,
                    stored: [stored].into_iter().chain(second).map(StoredKey::from_stored).collect(),
                    foreign: text("keymint_foreign_hash").and_then(|text| ForeignHash::from_stored(text).ok()),
                    lookup: text("keymint_foreign_lookup").map(ForeignLookup::from_stored),
                });
            }
            ControlFlow::Continue(())
        };
        connection.fetch(Statement::new(find).bind(values), &mut take).await?;
    }
    Ok(keys.iter().map(|key| taken.take(key)).collect())
}

/// Returns the number of first characters by which keys with slow hashes are found.
async fn start(connection: &mut dyn ReadConnection) -> Result<Option<u8>, StoreError> {
    let groups = foreign_groups(connection).await?;
    Ok(groups.into_iter().find_map(|group| match group {
        ForeignGroup::Start(length) => Some(length),
        ForeignGroup::Sha512 | ForeignGroup::HmacSha256(_) => None,
    }))
}
