use std::sync::Arc;

use keymint_domain::address::AddressRules;
use keymint_domain::event;
use keymint_domain::key::{Actor, ForeignHash, Revocation, Rotation, StoredKey, Terms};
use keymint_domain::usage::Usage;
use keymint_domain::value::MAX_COUNT;
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
    let foreign = row.text("keymint_foreign_hash")?.map(ForeignHash::from_stored).transpose();
    let terms = read_terms(&row)?;
    let details = KeyDetails {
        id: row.id()?,
        config_id: ConfigId::from_optional(row.text("configId")?),
        owner: row.parsed("referenceId", OwnerId::from_stored)?,
        name: row.text("name")?.map(str::to_owned),
        start: row.text("start")?.map(str::to_owned),
        prefix: row.text("prefix")?.map(str::to_owned),
        stored: StoredKey::from_stored(row.required_text("key")?),
        rotation: read_rotation(&row)?,
        rotated_at: row.instant("keymint_rotated_at")?,
        foreign: foreign.map_err(|_| row.corrupt("keymint_foreign_hash"))?.map(Box::new),
        enabled: row.flag("enabled")?.unwrap_or(true),
        revocation: read_revocation(&row)?,
        expires_at: row.end("expiresAt")?,
        refill_amount: row.count("refillAmount")?,
        refill_interval_ms: terms.refill_interval_ms,
        refill_every: terms.refill_every,
        rate_limit_enabled: row.flag("rateLimitEnabled")?.unwrap_or(true),
        rate_limit_window_ms: terms.rate_limit_window_ms,
        rate_limit_max: row.count("rateLimitMax")?,
        permissions: permissions.map_err(|_| row.corrupt("permissions"))?,
        addresses: addresses.map_err(|_| row.corrupt("keymint_addresses"))?,
        metadata: metadata.map_err(|_| row.corrupt("metadata"))?,
        created_at: row.required_instant("createdAt")?,
        // It decides nothing, so that a text that names nobody makes no key unusable.
        created_by: row.text("keymint_created_by").ok().flatten().and_then(|text| event::Actor::parse(text).ok()),
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

/// Reads the refill's period and the window: Better Auth's columns, or Keymint's own where those have no room.
///
/// Another writer of the row may have changed Better Auth's columns since; then they count.
fn read_terms(row: &RowReader<'_>) -> Result<Terms, StoreError> {
    let interval_ms = row.count("refillInterval")?;
    let window_ms = row.count("rateLimitTimeWindow")?;
    let own = match row.text("keymint_terms")? {
        None => Terms::default(),
        Some(text) => Terms::from_stored(text).map_err(|_| row.corrupt("keymint_terms"))?,
    };
    Ok(Terms {
        refill_interval_ms: interval_ms.or(own.refill_interval_ms),
        refill_every: own.refill_every.filter(|_| interval_ms.is_none()),
        rate_limit_window_ms: if window_ms == Some(MAX_COUNT.into()) {
            own.rate_limit_window_ms.or(window_ms)
        } else {
            window_ms
        },
    })
}

/// The refill's interval and the window for Better Auth's columns, and the terms for Keymint's own.
pub(crate) struct TermColumns {
    pub(crate) interval_ms: Option<i64>,
    pub(crate) window_ms: Option<i64>,
    pub(crate) own: Option<String>,
}

impl TermColumns {
    /// Splits the terms of a key by the room of the columns. A long interval leaves Better Auth's column null, so that
    /// Better Auth refills nothing; a long window leaves its highest value there, so that Better Auth limits at all.
    pub(crate) fn of(details: &KeyDetails, widths: Widths) -> Self {
        let interval_ms = widths.fit_optional("refillInterval", details.refill_interval_ms).ok();
        let window_ms = widths.fit_optional("rateLimitTimeWindow", details.rate_limit_window_ms).ok();
        let own = Terms {
            refill_interval_ms: details.refill_interval_ms.filter(|_| interval_ms.is_none()),
            refill_every: details.refill_every.filter(|_| details.refill_interval_ms.is_none()),
            rate_limit_window_ms: details.rate_limit_window_ms.filter(|_| window_ms.is_none()),
        };
        Self {
            interval_ms: interval_ms.flatten(),
            window_ms: window_ms.unwrap_or(Some(MAX_COUNT.into())),
            own: own.to_stored(),
        }
    }
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

/// Reads the rotation under way; one of its columns alone is no writer's work.
fn read_rotation(row: &RowReader<'_>) -> Result<Option<Box<Rotation>>, StoreError> {
    const SECOND: &str = "keymint_second_key";
    const STAGE: &str = "keymint_rotation";
    match (row.text(SECOND)?, row.text(STAGE)?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(row.corrupt(SECOND)),
        (None, Some(_)) => Err(row.corrupt(STAGE)),
        (Some(second), Some(stage)) => {
            let rotation = Rotation::from_stored(StoredKey::from_stored(second), stage);
            rotation.map(|rotation| Some(Box::new(rotation))).map_err(|_| row.corrupt(STAGE))
        }
    }
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
        rotation,
        rotated_at,
        foreign,
        enabled,
        revocation,
        expires_at,
        refill_amount,
        refill_interval_ms: _,
        refill_every: _,
        rate_limit_enabled,
        rate_limit_window_ms: _,
        rate_limit_max,
        permissions,
        addresses,
        metadata,
        created_at,
        created_by,
    } = &**details;
    let terms = TermColumns::of(details, widths);
    let Usage { remaining, last_refill_at, request_count, last_request, backlog_ns, updated_at } = *usage;
    Ok(statement
        .bind(id.as_str())
        .bind(config_id.as_str())
        .bind(name.as_deref())
        .bind(start.as_deref())
        .bind(owner.as_str())
        .bind(prefix.as_deref())
        .bind(stored.as_str())
        .bind(terms.interval_ms)
        .bind(widths.fit_optional("refillAmount", *refill_amount)?)
        .bind(last_refill_at)
        .bind(*enabled)
        .bind(*rate_limit_enabled)
        .bind(terms.window_ms)
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
        .bind(addresses.to_stored())
        .bind(created_by.as_ref().map(ToString::to_string))
        .bind(terms.own)
        .bind(rotation.as_ref().map(|rotation| rotation.second.as_str()))
        .bind(rotation.as_ref().map(|rotation| rotation.to_stored()))
        .bind(*rotated_at)
        .bind(foreign.as_deref().map(ForeignHash::as_stored))
        .bind(details.foreign_lookup().map(|lookup| lookup.as_str().to_owned())))
}
