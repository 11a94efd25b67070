use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// The version of a row: the number of the transaction that wrote it last, `xmin`, of the type `xid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
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

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgConnection;
    use sqlx::{Connection as _, query, query_scalar};

    use super::*;

    #[tokio::test]
    async fn a_version_finds_its_row_until_the_row_is_written() {
        let mut connection = PgConnection::connect(&keymint_test_postgres::database().await).await.unwrap();
        query(r#"create table "row" ("n" integer)"#).execute(&mut connection).await.unwrap();
        query(r#"insert into "row" values (1)"#).execute(&mut connection).await.unwrap();
        let version: Version = query_scalar(r#"select xmin from "row""#).fetch_one(&mut connection).await.unwrap();
        for (found, write) in [(1, r#"update "row" set "n" = 2"#), (0, r#"delete from "row""#)] {
            let count = query_scalar::<_, i64>(r#"select count(*) from "row" where xmin = any($1)"#);
            assert_eq!(count.bind(vec![version]).fetch_one(&mut connection).await.unwrap(), found);
            query(write).execute(&mut connection).await.unwrap();
        }
    }
}
