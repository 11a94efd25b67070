use keymint_domain::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// A `timestamptz`, as the number of microseconds that it is on the wire. `sqlx` would read it into a `chrono` date,
/// which panics at Postgres' `infinity`. What lies beyond the domain's instants is read as the nearest one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instant(pub(crate) Timestamp);

/// 2000-01-01T00:00:00Z, from which Postgres counts.
const EPOCH_MS: i64 = 946_684_800_000;

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        const TIMESTAMPTZ: PgTypeInfo = PgTypeInfo::with_oid(Oid(1184));
        TIMESTAMPTZ
    }
}

impl PgHasArrayType for Instant {
    fn array_type_info() -> PgTypeInfo {
        const TIMESTAMPTZ_ARRAY: PgTypeInfo = PgTypeInfo::with_oid(Oid(1185));
        TIMESTAMPTZ_ARRAY
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // No overflow: a timestamp keeps within the years 0000 to 9999.
        Encode::<Postgres>::encode((self.0.as_millis() - EPOCH_MS) * 1000, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Instant {
    /// Cuts off what lies below the millisecond.
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<'r, Postgres>>::decode(value)?;
        Ok(Self(Timestamp::from_millis(micros.div_euclid(1000) + EPOCH_MS)))
    }
}

/// A `timestamptz` at which something ends; `infinity` is never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End(pub(crate) Option<Timestamp>);

impl Type<Postgres> for End {
    fn type_info() -> PgTypeInfo {
        <Instant as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for End {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        const INFINITY: [u8; 8] = i64::MAX.to_be_bytes();
        if value.as_bytes()? == INFINITY {
            return Ok(Self(None));
        }
        let Instant(end) = Decode::<Postgres>::decode(value)?;
        Ok(Self(Some(end)))
    }
}
