use std::sync::Arc;

use keymint_domain::address::AddressRules;
use keymint_domain::key::{Actor, Revocation, StoredKey};
use keymint_domain::usage::Usage;
use keymint_domain::value::stored::count_of_integer;
use keymint_domain::{ApiKey, ConfigId, KeyDetails, KeyId, Metadata, OwnerId, Permissions, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Decode, Postgres, Row as _, Type, query};

use crate::instant::{End, Instant};
use crate::number::{Number, Widths};

/// Reads the values of one row. A column of another type than ours is as unreadable as a value that makes no sense.
pub(crate) struct Reader<'r> {
    row: &'r PgRow,
    table: &'static str,
    id: Option<KeyId>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(row: &'r PgRow, table: &'static str, id_column: &'static str) -> Self {
        let mut reader = Self { row, table, id: None };
        reader.id = reader.text(id_column).ok().flatten().and_then(|id| KeyId::parse(id).ok());
        reader
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }

    pub(crate) fn id(&self) -> Result<KeyId, StoreError> {
        self.id.clone().ok_or_else(|| self.corrupt("id"))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<Option<&'r str>, StoreError> {
        self.value(column)
    }

    pub(crate) fn instant(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let instant: Option<Instant> = self.value(column)?;
        Ok(instant.map(|Instant(instant)| instant))
    }

    /// The last instant of something; at infinity there is none.
    fn end(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let end: Option<End> = self.value(column)?;
        Ok(end.and_then(|End(end)| end))
    }

    /// A count, by what the number stands for that somebody has stored.
    pub(crate) fn number(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        let number: Option<Number> = self.value(column)?;
        Ok(number.map(|Number(number)| count_of_integer(number)))
    }

    /// A number that needs more than 32 bits, and that only Keymint writes.
    pub(crate) fn wide_number(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        let number: Option<i64> = self.value(column)?;
        number.map(u64::try_from).transpose().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<Option<bool>, StoreError> {
        self.value(column)
    }

    /// Reports a value that was selected under another name under its own.
    pub(crate) fn own_name<T>(&self, column: &'static str, value: Result<T, StoreError>) -> Result<T, StoreError> {
        value.map_err(|_| self.corrupt(column))
    }

    /// The value, where there must be one.
    pub(crate) fn required<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    /// A text that there must be, as what it stands for.
    pub(crate) fn parsed<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&'r str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let text = self.required(column, self.text(column)?)?;
        parse(text).map_err(|_| self.corrupt(column))
    }

    fn value<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }
}

/// Reads a key.
pub(crate) fn read_key(row: &PgRow) -> Result<ApiKey, StoreError> {
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
        expires_at: row.end("expiresAt")?,
        refill_amount: row.number("refillAmount")?,
        refill_interval_ms: row.number("refillInterval")?,
        rate_limit_enabled: row.flag("rateLimitEnabled")?.unwrap_or(true),
        rate_limit_window_ms: row.number("rateLimitTimeWindow")?,
        rate_limit_max: row.number("rateLimitMax")?,
        permissions: permissions.map_err(|_| row.corrupt("permissions"))?,
        addresses: addresses.map_err(|_| row.corrupt("keymint_addresses"))?,
        metadata: metadata.map_err(|_| row.corrupt("metadata"))?,
        created_at: row.required("createdAt", row.instant("createdAt")?)?,
    };
    let usage = Usage {
        remaining: row.number("remaining")?,
        last_refill_at: row.instant("lastRefillAt")?,
        request_count: row.number("requestCount")?.unwrap_or(0),
        last_request: row.instant("lastRequest")?,
        backlog_ns: row.wide_number("keymint_backlog_ns")?,
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
    widths: Widths,
) -> Result<Query<'q, Postgres, PgArguments>, StoreError> {
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
        .bind(widths.fit_optional("refillInterval", *refill_interval_ms)?)
        .bind(widths.fit_optional("refillAmount", *refill_amount)?)
        .bind(last_refill_at.map(Instant))
        .bind(*enabled)
        .bind(*rate_limit_enabled)
        .bind(widths.fit_optional("rateLimitTimeWindow", *rate_limit_window_ms)?)
        .bind(widths.fit_optional("rateLimitMax", *rate_limit_max)?)
        .bind(widths.fit("requestCount", request_count)?)
        .bind(widths.fit_optional("remaining", remaining)?)
        .bind(last_request.map(Instant))
        .bind(expires_at.map(Instant))
        .bind(Instant(*created_at))
        .bind(Instant(updated_at))
        .bind(permissions.as_ref().map(Permissions::as_json))
        // Better Auth writes the JSON text `null` here, and SQL's NULL into the column before.
        .bind(metadata.as_ref().map_or("null", Metadata::as_json))
        .bind(optional_bigint("keymint_backlog_ns", backlog_ns)?)
        .bind(revocation.as_ref().map(|revocation| Instant(revocation.at)))
        .bind(revocation.as_ref().map(|revocation| revocation.by.to_string()))
        .bind(addresses.to_stored()))
}

/// Whether a column can hold the text. Postgres refuses U+0000, so that a text with it is in no row.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// A number as 64 bits hold it.
pub(crate) fn bigint(column: &'static str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::OutOfRange { column })
}

/// A number as 64 bits hold it, where there is one.
pub(crate) fn optional_bigint(column: &'static str, number: Option<u64>) -> Result<Option<i64>, StoreError> {
    number.map(|number| bigint(column, number)).transpose()
}
