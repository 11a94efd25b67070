use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

/// The metadata that an owner attached to a key: one JSON value, normally an object, kept as its JSON text.
///
/// It may hold anything, so that `Debug` prints only its size.
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata(Box<str>);

/// The error for a stored text that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON text")]
pub struct InvalidMetadata;

impl Metadata {
    /// Takes an object or an array, as Better Auth does (docs/better-auth-wire.md 7.1). Returns `None` for anything
    /// else.
    pub fn from_json(value: &Value) -> Option<Self> {
        (value.is_object() || value.is_array()).then(|| Self(value.to_string().into()))
    }

    /// Reads the text of a stored row.
    ///
    /// An empty text and `null` mean none (docs/better-auth-wire.md 11.3). Old versions wrapped the text into a JSON
    /// string once more; it is unwrapped (docs/better-auth-wire.md 8.4).
    ///
    /// # Errors
    ///
    /// Returns [`InvalidMetadata`] for a text that is not JSON.
    pub fn from_stored(text: &str) -> Result<Option<Self>, InvalidMetadata> {
        if text.is_empty() {
            return Ok(None);
        }
        // A raw value accepts everything that Better Auth may have stored: lone surrogates, and any depth.
        let value = serde_json::from_str::<&RawValue>(text).map_err(|_| InvalidMetadata)?.get();
        let unwrapped = || serde_json::from_str(&serde_json::from_str::<String>(value).ok()?).ok();
        match value.as_bytes() {
            b"null" => Ok(None),
            [b'"', ..] => Ok(Some(unwrapped().as_ref().and_then(Self::from_json).unwrap_or_else(|| Self(text.into())))),
            _ => Ok(Some(Self(text.into()))),
        }
    }

    /// Returns the JSON text, for a row or an answer.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Result<Option<String>, InvalidMetadata> {
        Metadata::from_stored(text).map(|found| found.map(|metadata| metadata.as_json().to_owned()))
    }

    #[test]
    fn objects_and_arrays_are_metadata() {
        for (json, taken) in [("{}", true), ("[1]", true), ("1", false), (r#""{}""#, false), ("null", false)] {
            let value = serde_json::from_str(json).unwrap();
            assert_eq!(Metadata::from_json(&value).is_some(), taken, "{json}");
        }
    }

    #[test]
    fn stored_texts_are_read_as_better_auth_wrote_them() {
        assert_eq!(stored(""), Ok(None));
        assert_eq!(stored("null"), Ok(None));
        assert_eq!(stored(r#"{"b":1,"a":2.50}"#), Ok(Some(r#"{"b":1,"a":2.50}"#.to_owned())));
        assert_eq!(stored(r#""{\"plan\":\"pro\"}""#), Ok(Some(r#"{"plan":"pro"}"#.to_owned())));
        assert_eq!(stored("7"), Ok(Some("7".to_owned())));
        assert_eq!(stored("{oops"), Err(InvalidMetadata));
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for odd in [r#"{"half":"\ud800"}"#, r#"{"n":1e400}"#, &deep, r#""\ud800""#] {
            assert_eq!(stored(odd), Ok(Some(odd.to_owned())));
        }
    }
}
