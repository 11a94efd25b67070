use std::ops::Range;

use crate::listing::Direction;
use crate::{ConfigId, KeyId, OwnerId, Timestamp};

/// A page of sealed events, in the order of their positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Events about this key.
    pub key_id: Option<KeyId>,
    /// Events about keys of any of these owners, or about the owners themselves.
    pub owners: Option<Vec<OwnerId>>,
    /// Events about keys of this configuration.
    pub config_id: Option<ConfigId>,
    /// Events of any of these kinds; empty = of all.
    pub kinds: Vec<KindPattern>,
    /// Events by this actor, by its text.
    pub actor: Option<String>,
    /// Events of this time, without its end.
    pub time: Option<Range<Timestamp>>,
    /// The direction of the page: descending = newest first.
    pub direction: Direction,
    /// The position behind which the page begins, in its direction; `None` = at the beginning.
    pub after: Option<u64>,
    /// The largest number of events on the page.
    pub limit: u32,
}

impl EventQuery {
    /// Returns a query for all events behind a position, the oldest first.
    pub fn behind(position: u64, limit: u32) -> Self {
        Self { direction: Direction::Ascending, after: Some(position), ..Self::latest(limit) }
    }

    /// Returns a query for the latest events, the newest first.
    pub fn latest(limit: u32) -> Self {
        Self {
            key_id: None,
            owners: None,
            config_id: None,
            kinds: Vec::new(),
            actor: None,
            time: None,
            direction: Direction::Descending,
            after: None,
            limit,
        }
    }
}

/// A pattern of kinds: a kind, or the beginning of kinds and `*`, such as `keymint.key.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindPattern(Box<str>);

/// The error for a text that is no pattern of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters of a-z, 0-9, `.` and `_`, and may end in `*`, as in `keymint.key.*`")]
pub struct InvalidPattern;

impl KindPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPattern`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let start = text.strip_suffix('*').unwrap_or(text);
        let is_of_kinds = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
        let fits = (1..=64).contains(&text.len()) && start.bytes().all(is_of_kinds);
        if fits { Ok(Self(text.into())) } else { Err(InvalidPattern) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text that all matching kinds begin with; `None` = the pattern is one kind.
    pub fn start(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// Returns true if the pattern matches this kind.
    pub fn matches(&self, kind: &str) -> bool {
        self.start().map_or(*self.0 == *kind, |start| kind.starts_with(start))
    }
}

impl EventQuery {
    /// Returns true if an event of this kind is asked for.
    pub fn includes_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|pattern| pattern.matches(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_kind_or_the_beginning_of_kinds() {
        let matches = |pattern: &str, kind: &str| KindPattern::parse(pattern).unwrap().matches(kind);
        assert!(matches("keymint.key.created", "keymint.key.created"));
        assert!(!matches("keymint.key", "keymint.key.created"));
        assert!(matches("keymint.key.*", "keymint.key.created"));
        assert!(!matches("keymint.key.*", "keymint.server_key.created"));
        assert!(matches("*", "keymint.key.created"));
        for text in ["", "a*b", "**", "Key", "a b", "a%", &"a".repeat(65)] {
            assert_eq!(KindPattern::parse(text), Err(InvalidPattern), "{text}");
        }
    }
}
