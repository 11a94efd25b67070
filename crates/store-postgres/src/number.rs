use keymint_ports::StoreError;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// A number as a column holds it, be that an `integer`, as Better Auth makes it, or a `bigint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) i64);

impl Type<Postgres> for Number {
    fn type_info() -> PgTypeInfo {
        <i64 as Type<Postgres>>::type_info()
    }

    fn compatible(found: &PgTypeInfo) -> bool {
        <i32 as Type<Postgres>>::compatible(found) || <i64 as Type<Postgres>>::compatible(found)
    }
}

impl<'r> Decode<'r, Postgres> for Number {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        match bytes.try_into() {
            Ok(four) => Ok(Self(i32::from_be_bytes(four).into())),
            Err(_) => Ok(Self(i64::from_be_bytes(bytes.try_into()?))),
        }
    }
}

/// The columns of keys that hold numbers, in Better Auth's layout of 32 bits.
pub(crate) const NUMBERS: &[&str] =
    &["refillInterval", "refillAmount", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining"];

/// Which of [`NUMBERS`] hold 64 bits, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Widths(u8);

impl Widths {
    pub(crate) fn of(is_wide: impl Fn(&str) -> bool) -> Self {
        Self(NUMBERS.iter().enumerate().map(|(bit, column)| u8::from(is_wide(column)) << bit).sum())
    }

    /// A number as the column holds it; statements may always be given 64 bits.
    pub(crate) fn fit(self, column: &'static str, number: u64) -> Result<i64, StoreError> {
        let fits = |number: &i64| *number <= i32::MAX.into() || self.is_wide(column);
        i64::try_from(number).ok().filter(fits).ok_or(StoreError::OutOfRange { column })
    }

    /// The same, where there is one.
    pub(crate) fn fit_optional(self, column: &'static str, number: Option<u64>) -> Result<Option<i64>, StoreError> {
        number.map(|number| self.fit(column, number)).transpose()
    }

    fn is_wide(self, column: &str) -> bool {
        NUMBERS.iter().position(|name| *name == column).is_some_and(|bit| self.0 >> bit & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_fits_its_own_column_and_no_other_ones() {
        const LARGE: u64 = 1 << 31;
        let widths = Widths::of(|column| column == "remaining");
        assert_eq!(widths.fit("remaining", LARGE).ok(), Some(1 << 31));
        assert_eq!(widths.fit("requestCount", LARGE - 1).ok(), Some((1 << 31) - 1));
        for (column, number) in [("requestCount", LARGE), ("remaining", 1 << 63)] {
            assert!(matches!(widths.fit(column, number), Err(StoreError::OutOfRange { column: c }) if c == column));
        }
    }
}
