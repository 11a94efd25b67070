use crate::key::{KeyDetails, KeyState};
use crate::value::InvalidText;
use crate::{ApiKey, Timestamp};

/// The conditions of a list beyond owner and configuration. A key must meet each that is given.
///
/// [`KeyFilter::admits`] is the rule. Stores select in their own language, and the conformance suite compares them with
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFilter {
    /// Only keys that this text finds.
    pub search: Option<Search>,
    /// Only keys that are shown as enabled, or only others. A revoked key is shown as not enabled.
    pub enabled: Option<bool>,
    /// Only keys in this state at this instant.
    pub state: Option<(KeyState, Timestamp)>,
    /// Only keys whose last valid instant is before this one. A key that never expires is none of them.
    pub expires_before: Option<Timestamp>,
    /// Only keys that were made before this instant and not used since.
    pub unused_since: Option<Timestamp>,
    /// Only keys that were made before this instant.
    pub created_before: Option<Timestamp>,
}

impl KeyFilter {
    /// Returns true if the filter admits every key.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if a list with this filter has `key`. `recorded_use` is the last use in the statistics; the last use
    /// by the key's counters counts too, which a Better Auth server writes.
    pub fn admits(&self, key: &ApiKey, recorded_use: Option<Timestamp>) -> bool {
        let Self { search, enabled, state, expires_before, unused_since, created_before } = self;
        let KeyDetails { created_at, expires_at, .. } = *key.details;
        let is_enabled = key.details.enabled && key.details.revocation.is_none();
        let is_unused = |since: Timestamp| {
            created_at < since && recorded_use.max(key.usage.last_request).is_none_or(|used| used < since)
        };
        search.as_ref().is_none_or(|search| search.finds(key))
            && enabled.is_none_or(|enabled| enabled == is_enabled)
            && state.is_none_or(|(state, now)| key.state(now) == state)
            && expires_before.is_none_or(|end| expires_at.is_some_and(|at| at < end))
            && unused_since.is_none_or(is_unused)
            && created_before.is_none_or(|end| created_at < end)
    }
}

/// A text that finds keys: by their whole id, by the beginning of their start, or by the beginning of their name, in
/// which capital letters of ASCII equal small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

impl Search {
    /// Takes any text that an id may have.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidText`] for an empty text, for one of more than 2048 bytes, and for U+0000.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        crate::KeyId::parse(text.as_str())?;
        Ok(Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text as names are compared with it.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    fn finds(&self, key: &ApiKey) -> bool {
        let KeyDetails { id, start, name, .. } = &*key.details;
        id.as_str() == self.0
            || start.as_ref().is_some_and(|start| start.starts_with(&self.0))
            || name.as_ref().is_some_and(|name| name.to_ascii_lowercase().starts_with(&self.folded()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_a_text_that_an_id_may_have() {
        assert_eq!(Search::parse(""), Err(InvalidText::Empty));
        assert_eq!(Search::parse("a\0"), Err(InvalidText::Nul));
        assert_eq!(Search::parse("a".repeat(2049)), Err(InvalidText::TooLong));
        assert_eq!(Search::parse("Ä B").map(|search| search.folded()), Ok("Ä b".to_owned()));
    }
}
