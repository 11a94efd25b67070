use std::sync::Arc;

use keymint_domain::address::AddressRules;
use keymint_domain::key::{Actor, Revocation, StoredKey};
use keymint_domain::usage::Usage;
use keymint_domain::{ApiKey, ConfigId, KeyDetails, Metadata, OwnerId, Permissions};
use keymint_ports::StoreError;

use super::{Row, RowReader};
use crate::{Statement, Widths, optional_integer};

/// Reads a key from the columns that [`columns!`](crate::columns) selects.
///
/// # Errors
/// [`StoreError::Corrupt`]
pub fn read_key(row: &dyn Row) -> Result<ApiKey, StoreError> {
    let row = RowReader::new(row, "apikey", "id");
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
        stored: StoredKey::from_stored(row.required_text("key")?),
        enabled: row.flag("enabled")?.unwrap_or(true),
        revocation: read_revocation(&row)?,
        expires_at: row.end("expiresAt")?,
        refill_amount: row.count("refillAmount")?,
        refill_interval_ms: row.count("refillInterval")?,
        rate_limit_enabled: row.flag("rateLimitEnabled")?.unwrap_or(true),
        rate_limit_window_ms: row.count("rateLimitTimeWindow")?,
        rate_limit_max: row.count("rateLimitMax")?,
        permissions: permissions.map_err(|_| row.corrupt("permissions"))?,
        addresses: addresses.map_err(|_| row.corrupt("keymint_addresses"))?,
        metadata: metadata.map_err(|_| row.corrupt("metadata"))?,
        created_at: row.required_instant("createdAt")?,
    };
    let usage = Usage {
        remaining: row.count("remaining")?,
        last_refill_at: row.instant("lastRefillAt")?,
        request_count: row.count("requestCount")?.unwrap_or(0),
        last_request: row.instant("lastRequest")?,
        backlog_ns: row.number("keymint_backlog_ns")?,
        updated_at: row.required_instant("updatedAt")?,
    };
    Ok(ApiKey { details: Arc::new(details), usage })
}

/// Reads the instant and the actor of a revocation; one of them alone is no writer's work.
fn read_revocation(row: &RowReader<'_>) -> Result<Option<Revocation>, StoreError> {
    const AT: &str = "keymint_revoked_at";
    const BY: &str = "keymint_revoked_by";
    let (at, by) = (row.instant(AT)?, row.text(BY)?);
    if at.is_none() && by.is_none() {
        return Ok(None);
    }
    Ok(Some(Revocation { at: row.required(AT, at)?, by: row.parsed(BY, Actor::from_stored)? }))
}

/// Binds every column of `key` to a statement, in the order of [`columns!`](crate::columns).
pub(crate) fn bind_key<'k>(
    statement: Statement<'k>,
    key: &'k ApiKey,
    widths: Widths,
) -> Result<Statement<'k>, StoreError> {
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
    Ok(statement
        .bind(id.as_str())
        .bind(config_id.as_str())
        .bind(name.as_deref())
        .bind(start.as_deref())
        .bind(owner.as_str())
        .bind(prefix.as_deref())
        .bind(stored.as_str())
        .bind(widths.fit_optional("refillInterval", *refill_interval_ms)?)
        .bind(widths.fit_optional("refillAmount", *refill_amount)?)
        .bind(last_refill_at)
        .bind(*enabled)
        .bind(*rate_limit_enabled)
        .bind(widths.fit_optional("rateLimitTimeWindow", *rate_limit_window_ms)?)
        .bind(widths.fit_optional("rateLimitMax", *rate_limit_max)?)
        .bind(widths.fit("requestCount", request_count)?)
        .bind(widths.fit_optional("remaining", remaining)?)
        .bind(last_request)
        .bind(*expires_at)
        .bind(*created_at)
        .bind(updated_at)
        .bind(permissions.as_ref().map(Permissions::as_json))
        // Better Auth writes the JSON text `null` here, and SQL's NULL into the column before.
        .bind(metadata.as_ref().map_or("null", Metadata::as_json))
        .bind(optional_integer("keymint_backlog_ns", backlog_ns)?)
        .bind(revocation.as_ref().map(|revocation| revocation.at))
        .bind(revocation.as_ref().map(|revocation| revocation.by.to_string()))
        .bind(addresses.to_stored()))
}
