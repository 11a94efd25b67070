use std::fmt;

use keymint_domain::key::{KeyPatch, StoredKey};
use keymint_domain::listing::Unreadable;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{OwnerId, Timestamp};

/// A change of many keys.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkChange {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of these configurations.
    pub configurations: ConfigFilter,
    /// The change of each key.
    pub patch: KeyPatch,
    /// The instant of the change.
    pub now: Timestamp,
}

/// The position at which a change of many keys continues. Its text is for callers that hand it back; only the store that
/// made it knows what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkCursor {
    /// The place of the last row, as far as the store has a number for it.
    pub number: i64,
    /// The id of the last row, or any text that stands there in its place.
    pub id: String,
}

/// The error for a text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of an earlier answer")]
pub struct InvalidCursor;

impl BulkCursor {
    /// The largest number of bytes of a text that is read.
    const MAX_BYTES: usize = 4096;

    /// Reads the text of a cursor.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidCursor`] for a text that no cursor has.
    pub fn parse(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > Self::MAX_BYTES || text.contains('\0') {
            return Err(InvalidCursor);
        }
        let (number, id) = text.split_once(':').ok_or(InvalidCursor)?;
        Ok(Self { number: number.parse().map_err(|_| InvalidCursor)?, id: id.to_owned() })
    }
}

impl fmt::Display for BulkCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.id)
    }
}

/// The outcome of one portion of a change of many keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkPortion {
    /// The number of keys that the change changed.
    pub changed: u64,
    /// The stored forms of the keys that were changed, as far as they can be read.
    pub stored: Vec<StoredKey>,
    /// The number of keys that were so already.
    pub unchanged: u64,
    /// The rows that stay as they are, because they cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// The position of the next portion; `None` = this was the last one.
    pub next: Option<BulkCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_printed_and_other_texts_are_refused() {
        for (number, id) in [(0, ""), (i64::MIN, "a:b"), (7, "\u{1F511}")] {
            let cursor = BulkCursor { number, id: id.to_owned() };
            assert_eq!(BulkCursor::parse(&cursor.to_string()), Ok(cursor));
        }
        for text in ["", "7", "x:a", "9223372036854775808:a", "1:a\0", &format!("1:{}", "a".repeat(5000))] {
            assert_eq!(BulkCursor::parse(text), Err(InvalidCursor), "{text}");
        }
    }
}
