use keymint_domain::event::Origin;
use keymint_domain::key::{ForeignHash, ForeignLookup, Rotated, RotationChange, RotationRefused, StoredKey};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::StoreError;

use super::find::find_and_lock;
use super::moving::{Rewrite, second_secret_moves};
use crate::connection::end;
use crate::{Dialect, Statement, WriteConnection, events};

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
        let secrets = Secrets::of(&before);
        for change in rotation_changes(connection.dialect(), &secrets, key) {
            connection.execute(change).await?;
        }
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
    const END: &str = r#"update "apikey" set "keymint_foreign_hash" = null, "keymint_foreign_lookup" = $3
        where "id" = $1 and "key" = $2"#;
    let end = Statement::new(END).bind(key.details.id.as_str()).bind(key.details.stored.as_str());
    end.bind(ForeignLookup::rehashed(hash).as_str().to_owned())
}

/// The secrets of a row before a change.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The text that the row was kept under.
    pub stored: StoredKey,
    /// The other secret of a rotation under way.
    pub second: Option<StoredKey>,
}

impl Secrets {
    pub(super) fn of(key: &ApiKey) -> Self {
        let second = key.details.rotation.as_ref().map(|rotation| rotation.second.clone());
        Self { stored: key.details.stored.clone(), second }
    }
}

/// Returns the statement that writes the rotation of a key, and the secret that is in use.
pub fn rotation_change(key: &ApiKey) -> Statement<'_> {
    rotation_change_in("apikey", key)
}

/// Returns the statements that do so in any database.
pub fn rotation_changes<'k>(dialect: &dyn Dialect, before: &'k Secrets, key: &'k ApiKey) -> Vec<Statement<'k>> {
    if !dialect.is_sharded() {
        return vec![rotation_change(key)];
    }
    let mut changes = rewrite(key).in_shards(before.stored.as_str(), key.details.stored.as_str());
    changes.extend(second_secret_moves(before.second.as_ref(), key));
    changes
}

/// Returns the statement for a key in this table.
pub(super) fn rotation_change_in<'k>(table: &str, key: &'k ApiKey) -> Statement<'k> {
    rewrite(key).in_place(table)
}

fn rewrite(key: &ApiKey) -> Rewrite<'_> {
    let details = &key.details;
    let rotation = details.rotation.as_ref();
    let set = vec![
        ("key", details.stored.as_str().into()),
        ("start", details.start.as_deref().into()),
        ("keymint_second_key", rotation.map(|rotation| rotation.second.as_str()).into()),
        ("keymint_rotation", rotation.map(|rotation| rotation.to_stored()).into()),
        ("keymint_rotated_at", details.rotated_at.into()),
        ("updatedAt", key.usage.updated_at.into()),
    ];
    Rewrite { id: details.id.as_str(), set }
}
