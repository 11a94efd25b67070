use keymint_domain::key::{KeyPatch, Revocation};
use keymint_domain::{ApiKey, KeyId, Metadata, Permissions, Timestamp};
use keymint_ports::StoreError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, QueryBuilder, Sqlite, query};

use super::{BEGIN, find};
use crate::error::store_error;
use crate::row::{optional_integer, optional_text};

pub(super) async fn update(
    connection: &mut SqliteConnection,
    id: &KeyId,
    patch: &KeyPatch,
    now: Timestamp,
) -> Result<Option<ApiKey>, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let Some(key) = find(&mut transaction, id).await? else {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(None);
    };
    let patched = key.clone().patched(patch, now);
    changes(&key, &patched)?.build().execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    Ok(Some(patched))
}

/// The statement that writes what a patch has changed. What it has not stays as it is written there, be it in a form of its
/// own.
fn changes(before: &ApiKey, after: &ApiKey) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let mut statement = QueryBuilder::new(r#"update "apikey" set "updatedAt" = "#);
    statement.push_bind(after.usage.updated_at.to_string());
    macro_rules! set {
        ($($column:literal: $of:ident.$member:ident => $value:expr;)*) => {
            $(if before.$of.$member != after.$of.$member {
                let $member = &after.$of.$member;
                statement.push(concat!(r#", ""#, $column, r#"" = "#)).push_bind($value);
            })*
        };
    }
    set! {
        "name": details.name => name.as_deref();
        "enabled": details.enabled => *enabled;
        "expiresAt": details.expires_at => optional_text(*expires_at);
        "refillAmount": details.refill_amount => optional_integer("refillAmount", *refill_amount)?;
        "refillInterval": details.refill_interval_ms => optional_integer("refillInterval", *refill_interval_ms)?;
        "rateLimitEnabled": details.rate_limit_enabled => *rate_limit_enabled;
        "rateLimitTimeWindow": details.rate_limit_window_ms
            => optional_integer("rateLimitTimeWindow", *rate_limit_window_ms)?;
        "rateLimitMax": details.rate_limit_max => optional_integer("rateLimitMax", *rate_limit_max)?;
        "permissions": details.permissions => permissions.as_ref().map(Permissions::as_json);
        // Better Auth writes the JSON text `null` here, and SQL's NULL into the column before.
        "metadata": details.metadata => metadata.as_ref().map_or("null", Metadata::as_json);
        "keymint_addresses": details.addresses => addresses.to_stored();
        "keymint_revoked_at": details.revocation => revocation.as_ref().map(|revocation| revocation.at.to_string());
        "keymint_revoked_by": details.revocation => revocation.as_ref().map(|revocation| revocation.by.to_string());
        "remaining": usage.remaining => optional_integer("remaining", *remaining)?;
    }
    statement.push(r#" where "id" = "#).push_bind(before.details.id.as_str());
    Ok(statement)
}

pub(super) async fn revoke_unreadable(
    connection: &mut SqliteConnection,
    id: &KeyId,
    revocation: &Revocation,
) -> Result<bool, StoreError> {
    const REVOKE: &str = r#"
        update "apikey" set
            "enabled" = 0,
            "keymint_revoked_at" = iif("keymint_revoked_by" is null, ?2, coalesce("keymint_revoked_at", ?2)),
            "keymint_revoked_by" = iif("keymint_revoked_at" is null, ?3, coalesce("keymint_revoked_by", ?3))
        where "id" = ?1"#;
    let revoke = query(REVOKE).bind(id.as_str()).bind(revocation.at.to_string()).bind(revocation.by.to_string());
    Ok(revoke.execute(connection).await.map_err(store_error)?.rows_affected() == 1)
}
