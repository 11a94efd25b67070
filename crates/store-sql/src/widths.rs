use keymint_ports::StoreError;

/// The columns of keys that hold numbers, in Better Auth's layout of 32 bits.
pub const NUMBER_COLUMNS: &[&str] =
    &["refillInterval", "refillAmount", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining"];

/// The set of [`NUMBER_COLUMNS`] that hold 64 bits, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widths(u8);

impl Widths {
    /// Every column holds 64 bits.
    pub const WIDE: Self = Self(u8::MAX);

    /// Returns the set of the columns for which `is_wide` holds.
    pub fn of(is_wide: impl Fn(&str) -> bool) -> Self {
        Self(NUMBER_COLUMNS.iter().enumerate().map(|(bit, column)| u8::from(is_wide(column)) << bit).sum())
    }

    /// Converts a number to what the column holds; statements may always be given 64 bits.
    pub(crate) fn fit(self, column: &'static str, number: u64) -> Result<i64, StoreError> {
        let fits = |number: &i64| *number <= i32::MAX.into() || self.is_wide(column);
        i64::try_from(number).ok().filter(fits).ok_or(StoreError::OutOfRange { column })
    }

    /// Converts a number that may be absent.
    pub(crate) fn fit_optional(self, column: &'static str, number: Option<u64>) -> Result<Option<i64>, StoreError> {
        number.map(|number| self.fit(column, number)).transpose()
    }

    fn is_wide(self, column: &str) -> bool {
        NUMBER_COLUMNS.iter().position(|name| *name == column).is_some_and(|bit| self.0 >> bit & 1 == 1)
    }
}

/// Converts a number to the 64 bits of a column.
///
/// # Errors
/// [`StoreError::OutOfRange`]
pub fn integer(column: &'static str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::OutOfRange { column })
}

/// Converts a number that may be absent to the 64 bits of a column.
///
/// # Errors
/// [`StoreError::OutOfRange`]
pub fn optional_integer(column: &'static str, number: Option<u64>) -> Result<Option<i64>, StoreError> {
    number.map(|number| integer(column, number)).transpose()
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
