use std::sync::Arc;

use keymint_domain::address::AddressRules;
use keymint_domain::key::{Actor, Revocation, StoredKey};
use keymint_domain::usage::Usage;
use keymint_domain::{ApiKey, ConfigId, KeyDetails, Metadata, OwnerId, Permissions, Timestamp};
use keymint_ports::StoreError;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, query};

use super::{Reader, Row};

/// Reads a key.
pub(crate) fn read_key(row: &dyn Row) -> Result<ApiKey, StoreError> {
    let row = Reader::new(row, "apikey", "id");
    let permissions = row.text("permissions")?.map_or(Ok(None), Permissions::from_stored);
    let metadata = row.text("metadata")?.map_or(Ok(None), Metadata::from_stored);
    let addresses = row.text("keymint_addresses")?.map_or(Ok(AddressRules::default()), AddressRules::from_stored);
    let details = KeyDetails {
        id: row.id()?,
        config_id: ConfigId::from_optional(row.text("configId")?),
        owner: row.parsed("referenceId", OwnerId::from_stored)?,
        name: row.text("name")?.map(str::to_owned),
        start: row.text("start")?.map(str::to_owned),
        prefix: row.text("prefix")?.map(str::to_owned),
        stored: StoredKey::from_stored(row.required("key", row.text("key")?)?),
        enabled: row.flag("enabled")?.unwrap_or(true),
        revocation: read_revocation(&row)?,
        expires_at: row.instant("expiresAt")?,
        refill_amount: row.count("refillAmount")?,
        refill_interval_ms: row.count("refillInterval")?,
        rate_limit_enabled: row.flag("rateLimitEnabled")?.unwrap_or(true),
        rate_limit_window_ms: row.count("rateLimitTimeWindow")?,
        rate_limit_max: row.count("rateLimitMax")?,
        permissions: permissions.map_err(|_| row.corrupt("permissions"))?,
        addresses: addresses.map_err(|_| row.corrupt("keymint_addresses"))?,
        metadata: metadata.map_err(|_| row.corrupt("metadata"))?,
        created_at: row.required("createdAt", row.instant("createdAt")?)?,
    };
    let usage = Usage {
        remaining: row.count("remaining")?,
        last_refill_at: row.instant("lastRefillAt")?,
        request_count: row.count("requestCount")?.unwrap_or(0),
        last_request: row.instant("lastRequest")?,
        backlog_ns: row.number("keymint_backlog_ns")?,
        updated_at: row.required("updatedAt", row.instant("updatedAt")?)?,
    };
    Ok(ApiKey { details: Arc::new(details), usage })
}

/// Reads when a key was revoked and by whom; one of them alone is no writer's work.
fn read_revocation(row: &Reader<'_>) -> Result<Option<Revocation>, StoreError> {
    const AT: &str = "keymint_revoked_at";
    const BY: &str = "keymint_revoked_by";
    let (at, by) = (row.instant(AT)?, row.text(BY)?);
    if at.is_none() && by.is_none() {
        return Ok(None);
    }
    Ok(Some(Revocation { at: row.required(AT, at)?, by: row.parsed(BY, Actor::from_stored)? }))
}

/// Binds every column of `key` to the placeholders of `statement`, in the order of `columns!`.
pub(crate) fn bind_key<'q>(
    statement: &'static str,
    key: &'q ApiKey,
) -> Result<Query<'q, Sqlite, SqliteArguments>, StoreError> {
    let ApiKey { details, usage } = key;
    let KeyDetails {
        id,
        config_id,
        owner,
        name,
        start,
        prefix,
        stored,
        enabled,
        revocation,
        expires_at,
        refill_amount,
        refill_interval_ms,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        addresses,
        metadata,
        created_at,
    } = &**details;
    let Usage { remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = *usage;
    Ok(query(statement)
        .bind(id.as_str())
        .bind(config_id.as_str())
        .bind(name.as_deref())
        .bind(start.as_deref())
        .bind(owner.as_str())
        .bind(prefix.as_deref())
        .bind(stored.as_str())
        .bind(optional_integer("refillInterval", *refill_interval_ms)?)
        .bind(optional_integer("refillAmount", *refill_amount)?)
        .bind(optional_text(last_refill_at))
        .bind(*enabled)
        .bind(*rate_limit_enabled)
        .bind(optional_integer("rateLimitTimeWindow", *rate_limit_window_ms)?)
        .bind(optional_integer("rateLimitMax", *rate_limit_max)?)
        .bind(integer("requestCount", request_count)?)
        .bind(optional_integer("remaining", remaining)?)
        .bind(optional_text(last_request))
        .bind(optional_text(*expires_at))
        .bind(created_at.to_string())
        .bind(updated_at.to_string())
        .bind(permissions.as_ref().map(Permissions::as_json))
        // Better Auth writes the JSON text `null` here, and SQL's NULL into the column before.
        .bind(metadata.as_ref().map_or("null", Metadata::as_json))
        .bind(optional_integer("keymint_backlog_ns", backlog_ns)?)
        .bind(revocation.as_ref().map(|revocation| revocation.at.to_string()))
        .bind(revocation.as_ref().map(|revocation| revocation.by.to_string()))
        .bind(addresses.to_stored()))
}

/// A number as a column holds it.
pub(crate) fn integer(column: &'static str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::OutOfRange { column })
}

/// A number as a column holds it, where there is one.
pub(crate) fn optional_integer(column: &'static str, number: Option<u64>) -> Result<Option<i64>, StoreError> {
    number.map(|number| integer(column, number)).transpose()
}

/// An instant as a column holds it, where there is one.
pub(crate) fn optional_text(instant: Option<Timestamp>) -> Option<String> {
    instant.map(|instant| instant.to_string())
}
