use keymint_domain::event::Origin;
use keymint_domain::key::{ForeignHash, ForeignLookup, Rotated, RotationChange, RotationRefused};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::StoreError;

use super::find::find_and_lock;
use crate::connection::end;
use crate::{Statement, WriteConnection, events};

/// Changes the rotation of a key. Returns the key as it is then, or the reason why it is not changed.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn rotate(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    change: &RotationChange,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError> {
    connection.begin().await?;
    let outcome = find_and_rotate(connection, id, change, now, origin).await;
    end(connection, outcome).await
}

async fn find_and_rotate(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    change: &RotationChange,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError> {
    let Some(before) = find_and_lock(connection, id).await? else {
        return Ok(None);
    };
    let outcome = before.clone().rotated(change, now);
    if let Ok(Rotated { key, turns }) = &outcome
        && !turns.is_empty()
    {
        connection.execute(rotation_change(key)).await?;
        if let (Some(hash), None) = (&before.details.foreign, &key.details.foreign) {
            connection.execute(foreign_end(key, hash)).await?;
        }
        events::insert(connection, origin.key_rotated(key, turns)).await?;
        let secrets = before.details.stored_forms().chain(key.details.stored_forms());
        secrets.for_each(|stored| connection.forget(stored));
    }
    Ok(Some(outcome))
}

/// Returns the statement that ends the foreign hash of a key. An import still recognizes the key by it.
fn foreign_end<'k>(key: &'k ApiKey, hash: &ForeignHash) -> Statement<'k> {
    const END: &str =
        r#"update "apikey" set "keymint_foreign_hash" = null, "keymint_foreign_lookup" = $2 where "id" = $1"#;
    Statement::new(END).bind(key.details.id.as_str()).bind(ForeignLookup::rehashed(hash).as_str().to_owned())
}

/// Returns the statement that writes the rotation of a key, and the secret that is in use.
pub fn rotation_change(key: &ApiKey) -> Statement<'_> {
    rotation_change_in("apikey", key)
}

/// Returns the same statement for a key in this table.
pub(super) fn rotation_change_in<'k>(table: &str, key: &'k ApiKey) -> Statement<'k> {
    let change = format!(
        r#"update "{table}" set
        "key" = $2, "start" = $3, "keymint_second_key" = $4, "keymint_rotation" = $5, "keymint_rotated_at" = $6,
        "updatedAt" = $7 where "id" = $1"#
    );
    let details = &key.details;
    Statement::new(change)
        .bind(details.id.as_str())
        .bind(details.stored.as_str())
        .bind(details.start.as_deref())
        .bind(details.rotation.as_ref().map(|rotation| rotation.second.as_str()))
        .bind(details.rotation.as_ref().map(|rotation| rotation.to_stored()))
        .bind(details.rotated_at)
        .bind(key.usage.updated_at)
}
