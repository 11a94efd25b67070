use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// The version of a row: the number of the transaction that wrote it last, `xmin`, of the type `xid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u32);

impl Type<Postgres> for Version {
    fn type_info() -> PgTypeInfo {
        const XID: PgTypeInfo = PgTypeInfo::with_oid(Oid(28));
        XID
    }
}

impl PgHasArrayType for Version {
    fn array_type_info() -> PgTypeInfo {
        const XID_ARRAY: PgTypeInfo = PgTypeInfo::with_oid(Oid(1011));
        XID_ARRAY
    }
}

impl Encode<'_, Postgres> for Version {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Version {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(u32::from_be_bytes(value.as_bytes()?.try_into()?)))
    }
}
