use keymint_domain::event::Origin;
use keymint_domain::key::{KeyPatch, Revocation};
use keymint_domain::{ApiKey, KeyId, Metadata, Permissions, Timestamp};
use keymint_ports::StoreError;

use super::find::find_and_lock;
use super::place::{RowName, push_rows};
use super::remove::read_removed;
use crate::connection::{end, fetch_optional};
use crate::row::TermColumns;
use crate::{Statement, Widths, WriteConnection, events, optional_integer};

/// Changes a key by a patch. Returns the key as it is then.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn update(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    patch: &KeyPatch,
    now: Timestamp,
    widths: Widths,
    origin: &Origin,
) -> Result<Option<ApiKey>, StoreError> {
    connection.begin().await?;
    let outcome = find_and_update(connection, id, patch, now, widths, origin).await;
    end(connection, outcome).await
}

async fn find_and_update(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    patch: &KeyPatch,
    now: Timestamp,
    widths: Widths,
    origin: &Origin,
) -> Result<Option<ApiKey>, StoreError> {
    let Some(key) = find_and_lock(connection, id).await? else {
        return Ok(None);
    };
    let patched = key.clone().patched(patch, now);
    let mut update = changed_columns("apikey", &key, &patched, widths)?;
    push_rows(&mut update, [(key.details.id.as_str(), key.details.stored.as_str())], connection.dialect());
    connection.execute(update).await?;
    events::insert(connection, origin.key_changed(&key, &patched)).await?;
    key.details.stored_forms().for_each(|stored| connection.forget(stored));
    Ok(Some(patched))
}

/// Returns the statement that writes what a patch has changed in a row of this table, up to the condition that names the
/// row. A column that it has not changed keeps its value, be it in a form of its own.
pub(super) fn changed_columns<'k>(
    table: &str,
    before: &'k ApiKey,
    after: &'k ApiKey,
    widths: Widths,
) -> Result<Statement<'k>, StoreError> {
    let mut statement =
        Statement::new(format!(r#"update "{table}" set "updatedAt" = $1"#)).bind(after.usage.updated_at);
    macro_rules! set {
        ($($column:literal: $of:ident.$member:ident => $value:expr;)*) => {
            $(if before.$of.$member != after.$of.$member {
                let $member = &after.$of.$member;
                let value = statement.placeholder($value);
                statement.push(&format!(concat!(r#", ""#, $column, r#"" = {}"#), value));
            })*
        };
    }
    set! {
        "name": details.name => name.as_deref();
        "enabled": details.enabled => *enabled;
        "expiresAt": details.expires_at => *expires_at;
        "refillAmount": details.refill_amount => widths.fit_optional("refillAmount", *refill_amount)?;
        "rateLimitEnabled": details.rate_limit_enabled => *rate_limit_enabled;
        "rateLimitMax": details.rate_limit_max => widths.fit_optional("rateLimitMax", *rate_limit_max)?;
        "permissions": details.permissions => permissions.as_ref().map(Permissions::as_json);
        // Better Auth writes the JSON text `null` here, and SQL's NULL into the column before.
        "metadata": details.metadata => metadata.as_ref().map_or("null", Metadata::as_json);
        "keymint_addresses": details.addresses => addresses.to_stored();
        "keymint_revoked_at": details.revocation => revocation.as_ref().map(|revocation| revocation.at);
        "keymint_revoked_by": details.revocation => revocation.as_ref().map(|revocation| revocation.by.to_string());
        "remaining": usage.remaining => widths.fit_optional("remaining", *remaining)?;
        "lastRefillAt": usage.last_refill_at => *last_refill_at;
        "requestCount": usage.request_count => widths.fit("requestCount", *request_count)?;
        "keymint_backlog_ns": usage.backlog_ns => optional_integer("keymint_backlog_ns", *backlog_ns)?;
    }
    let terms = |key: &ApiKey| {
        let details = &key.details;
        (details.refill_interval_ms, details.refill_every, details.rate_limit_window_ms)
    };
    if terms(before) != terms(after) {
        // All of them, so that no column keeps a value that another one has made void.
        let TermColumns { interval_ms, window_ms, own } = TermColumns::of(&after.details, widths);
        let [interval_ms, window_ms] = [interval_ms, window_ms].map(|number| statement.placeholder(number));
        let own = statement.placeholder(own);
        statement.push(&format!(
            r#", "refillInterval" = {interval_ms}, "rateLimitTimeWindow" = {window_ms}, "keymint_terms" = {own}"#
        ));
    }
    Ok(statement)
}

/// Revokes a key whose row cannot be read. Returns `false` if there is no such row.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn revoke_unreadable(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    revocation: &Revocation,
    origin: &Origin,
) -> Result<bool, StoreError> {
    // The text that the row is kept under may be what cannot be read.
    connection.forget_all();
    connection.begin().await?;
    let outcome = find_and_revoke(connection, id, revocation, origin).await;
    end(connection, outcome).await
}

/// The rows that a revocation changes.
#[derive(Clone, Copy)]
pub(super) enum Revoke {
    /// A row, whether it was revoked before or not.
    Any,
    /// A row that was not revoked before.
    Unrevoked,
}

/// Revokes a row, up to the condition that names it.
const REVOKE: &str = r#"update "apikey" set
            "enabled" = false,
            "keymint_revoked_at" = case when "keymint_revoked_by" is null then $1 else coalesce("keymint_revoked_at", $1) end,
            "keymint_revoked_by" = case when "keymint_revoked_at" is null then $2 else coalesce("keymint_revoked_by", $2) end"#;

const IS_UNREVOKED: &str =
    r#" and (coalesce("enabled", true) <> false or "keymint_revoked_at" is null or "keymint_revoked_by" is null)"#;

async fn find_and_revoke(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    revocation: &Revocation,
    origin: &Origin,
) -> Result<bool, StoreError> {
    revoke_row(connection, Revoke::Any, id, revocation, origin).await
}

/// Revokes a row within a transaction. Returns false if there is none that is to be changed.
pub(super) async fn revoke_row(
    connection: &mut dyn WriteConnection,
    which: Revoke,
    id: &KeyId,
    revocation: &Revocation,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let Some(name) = RowName::find(connection, id).await? else { return Ok(false) };
    let mut revoke = Statement::new(REVOKE).bind(revocation.at).bind(revocation.by.to_string());
    name.push_to(&mut revoke);
    if let Revoke::Unrevoked = which {
        revoke.push(IS_UNREVOKED);
    }
    revoke.push(r#" returning "id", "referenceId", "configId", "name""#);
    let Some(revoked) = fetch_optional(connection, revoke, |row| Ok(read_removed(row))).await? else {
        return Ok(false);
    };
    events::insert(connection, revoked.and_then(|key| origin.unreadable_key_revoked(key))).await?;
    Ok(true)
}
