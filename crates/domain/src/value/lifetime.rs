/// The lifetime of a new key, in seconds: 1 or more, fractions allowed.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Lifetime(f64);

/// The error for a number of seconds below 1, or not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 or more seconds")]
pub struct InvalidLifetime;

impl Lifetime {
    /// Takes 1 or more seconds.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidLifetime`] for any other number.
    pub fn from_seconds(seconds: f64) -> Result<Self, InvalidLifetime> {
        if seconds.is_finite() && seconds >= 1.0 { Ok(Self(seconds)) } else { Err(InvalidLifetime) }
    }

    /// Returns the lifetime in seconds.
    pub fn as_seconds(self) -> f64 {
        self.0
    }

    /// Returns the lifetime in days, to compare it with a configuration's limits.
    pub fn as_days(self) -> f64 {
        self.0 / 86_400.0
    }

    /// Returns the lifetime in whole milliseconds, truncated as JavaScript's `Date` does.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; saturates, as instants do")]
    pub fn as_millis(self) -> u64 {
        (self.0 * 1000.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_second_or_more() {
        assert_eq!(Lifetime::from_seconds(1.5).map(Lifetime::as_millis), Ok(1500));
        assert_eq!(Lifetime::from_seconds(1e308).map(Lifetime::as_millis), Ok(u64::MAX));
        for seconds in [0.0, 0.999, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Lifetime::from_seconds(seconds), Err(InvalidLifetime), "{seconds}");
        }
    }
}
