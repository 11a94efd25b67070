use std::num::NonZeroU32;

use keymint_domain::key::KeyCounts;

/// The position at which a count continues, as a text that only the store that counts can interpret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountCursor(String);

impl CountCursor {
    /// Returns the text by which a store identifies the last row that was counted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The result of one portion of a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedPortion {
    /// The keys of the portion, by their state.
    pub counts: KeyCounts,
    /// The position of the next portion; `None` = this was the last one.
    pub next: Option<CountCursor>,
}

impl CountedPortion {
    /// Makes a portion of these keys, the last of which a store identifies by the text `last`.
    ///
    /// There may be another portion if the number of keys reaches `limit`.
    pub fn new(counts: KeyCounts, last: Option<String>, limit: NonZeroU32) -> Self {
        let may_be_more = counts.total() >= u64::from(limit.get());
        Self { counts, next: last.filter(|_| may_be_more).map(CountCursor) }
    }
}
