use std::num::NonZeroU32;

use keymint_domain::key::KeyCounts;

/// Where a count goes on, in the words of the store that counts. To others it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountCursor(String);

impl CountCursor {
    /// The text by which a store knows the last row that was counted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What one portion of a count found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedPortion {
    /// Its keys.
    pub counts: KeyCounts,
    /// Where the next portion begins; `None` where this was the last one.
    pub next: Option<CountCursor>,
}

impl CountedPortion {
    /// Of these keys, up to the one that a store knows by the text `last`. There may be more where they are as many as the
    /// portion may have.
    pub fn new(counts: KeyCounts, last: Option<String>, limit: NonZeroU32) -> Self {
        let may_be_more = counts.total() >= u64::from(limit.get());
        Self { counts, next: last.filter(|_| may_be_more).map(CountCursor) }
    }
}
