use keymint_domain::key::{KeyPatch, Revocation};
use keymint_domain::{ApiKey, KeyId, Metadata, Permissions, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Postgres, QueryBuilder, query};

use super::BEGIN;
use crate::error::store_error;
use crate::instant::Instant;
use crate::number::Widths;
use crate::row::read_key;

pub(super) async fn update(
    connection: &mut PgConnection,
    id: &KeyId,
    patch: &KeyPatch,
    now: Timestamp,
    widths: Widths,
) -> Result<Option<ApiKey>, StoreError> {
    const FIND_AND_LOCK: &str = select_key!("for update");
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let row = query(FIND_AND_LOCK).bind(id.as_str()).fetch_optional(&mut *transaction).await.map_err(store_error)?;
    let Some(row) = row else {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(None);
    };
    let key = read_key(&row)?;
    let patched = key.clone().patched(patch, now);
    changes(&key, &patched, widths)?.build().execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    Ok(Some(patched))
}

/// The statement that writes what a patch has changed. What it has not stays as it is written there, be it in a form of its
/// own.
fn changes(before: &ApiKey, after: &ApiKey, widths: Widths) -> Result<QueryBuilder<Postgres>, StoreError> {
    let mut statement = QueryBuilder::new(r#"update "apikey" set "updatedAt" = "#);
    statement.push_bind(Instant(after.usage.updated_at));
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
        "expiresAt": details.expires_at => expires_at.map(Instant);
        "refillAmount": details.refill_amount => widths.fit_optional("refillAmount", *refill_amount)?;
        "refillInterval": details.refill_interval_ms => widths.fit_optional("refillInterval", *refill_interval_ms)?;
        "rateLimitEnabled": details.rate_limit_enabled => *rate_limit_enabled;
        "rateLimitTimeWindow": details.rate_limit_window_ms
            => widths.fit_optional("rateLimitTimeWindow", *rate_limit_window_ms)?;
        "rateLimitMax": details.rate_limit_max => widths.fit_optional("rateLimitMax", *rate_limit_max)?;
        "permissions": details.permissions => permissions.as_ref().map(Permissions::as_json);
        // Better Auth writes the JSON text `null` here, and SQL's NULL into the column before.
        "metadata": details.metadata => metadata.as_ref().map_or("null", Metadata::as_json);
        "keymint_addresses": details.addresses => addresses.to_stored();
        "keymint_revoked_at": details.revocation => revocation.as_ref().map(|revocation| Instant(revocation.at));
        "keymint_revoked_by": details.revocation => revocation.as_ref().map(|revocation| revocation.by.to_string());
        "remaining": usage.remaining => widths.fit_optional("remaining", *remaining)?;
    }
    statement.push(r#" where "id" = "#).push_bind(before.details.id.as_str());
    Ok(statement)
}

pub(super) async fn revoke_unreadable(
    connection: &mut PgConnection,
    id: &KeyId,
    revocation: &Revocation,
) -> Result<bool, StoreError> {
    const REVOKE: &str = r#"
        update "apikey" set
            "enabled" = false,
            "keymint_revoked_at" = case when "keymint_revoked_by" is null then $2 else coalesce("keymint_revoked_at", $2) end,
            "keymint_revoked_by" = case when "keymint_revoked_at" is null then $3 else coalesce("keymint_revoked_by", $3) end
        where "id" = $1"#;
    let revoke = query(REVOKE).bind(id.as_str()).bind(Instant(revocation.at)).bind(revocation.by.to_string());
    Ok(revoke.execute(connection).await.map_err(store_error)?.rows_affected() == 1)
}
