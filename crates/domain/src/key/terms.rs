use serde_json::{Map, Value, json};

use crate::usage::Every;

/// The terms of a key that Better Auth's columns have no room for, as a column of Keymint's own holds them.
///
/// Better Auth's columns of numbers have 32 bits on Postgres: 24.8 days in milliseconds. What they can hold stays in
/// them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The refill's interval. It counts while Better Auth's column is null.
    pub refill_interval_ms: Option<u64>,
    /// The calendar's period of the refill. It counts while Better Auth's column of the interval is null.
    pub refill_every: Option<Every>,
    /// The rate limit's window. It counts while Better Auth's column has its highest value.
    pub rate_limit_window_ms: Option<u64>,
}

/// The error for a text that holds no terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an object of terms")]
pub struct InvalidTerms;

impl Terms {
    /// Reads the text of a stored row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidTerms`] for a text that [`Terms::to_stored`] does not write.
    pub fn from_stored(text: &str) -> Result<Self, InvalidTerms> {
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| InvalidTerms)?;
        let mut terms = Self::default();
        for (name, value) in members {
            match name.as_str() {
                "refillInterval" => terms.refill_interval_ms = Some(value.as_u64().ok_or(InvalidTerms)?),
                "rateLimitTimeWindow" => terms.rate_limit_window_ms = Some(value.as_u64().ok_or(InvalidTerms)?),
                "refillEvery" => {
                    let every = value.as_str().and_then(Every::parse).ok_or(InvalidTerms)?;
                    terms.refill_every = Some(every);
                }
                _ => return Err(InvalidTerms),
            }
        }
        Ok(terms)
    }

    /// Returns the text for a row; `None` = there are none.
    pub fn to_stored(self) -> Option<String> {
        let Self { refill_interval_ms, refill_every, rate_limit_window_ms } = self;
        let members = [
            ("refillInterval", refill_interval_ms.map(|ms| json!(ms))),
            ("refillEvery", refill_every.map(|every| json!(every.as_str()))),
            ("rateLimitTimeWindow", rate_limit_window_ms.map(|ms| json!(ms))),
        ];
        let members: Map<_, _> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        (!members.is_empty()).then(|| Value::Object(members).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_are_written() {
        let all = Terms {
            refill_interval_ms: Some(34_560_000_000),
            refill_every: Some(Every::Month),
            rate_limit_window_ms: Some(5_000_000_000),
        };
        for terms in [all, Terms { refill_every: None, ..all }, Terms { refill_interval_ms: None, ..all }] {
            assert_eq!(Terms::from_stored(&terms.to_stored().unwrap()), Ok(terms));
        }
        assert_eq!(Terms::default().to_stored(), None);
        assert_eq!(Terms::from_stored("{}"), Ok(Terms::default()));
        let text = r#"{"refillInterval":34560000000,"refillEvery":"month","rateLimitTimeWindow":5000000000}"#;
        assert_eq!(all.to_stored().as_deref(), Some(text));
    }

    #[test]
    fn what_nobody_writes_holds_no_terms() {
        for text in [
            "",
            "null",
            "[]",
            "{",
            r#"{"refillEvery":"year"}"#,
            r#"{"refillInterval":-1}"#,
            r#"{"refillInterval":"1"}"#,
            r#"{"rateLimitTimeWindow":1.5}"#,
            r#"{"other":1}"#,
        ] {
            assert_eq!(Terms::from_stored(text), Err(InvalidTerms), "{text}");
        }
    }
}
