use crate::Failure;
use crate::api::PLENTY;
use crate::keys::{OWNER_OF_MANY, Sort};

/// What keys of one sort have in their columns.
#[derive(Debug)]
pub(super) struct Lot {
    pub(super) letter: &'static str,
    pub(super) remaining: Option<i32>,
    pub(super) rate_limit: Option<i32>,
    pub(super) window_ms: i32,
    /// Calls that were counted by now. A key's first one makes its row longer, which happens once, and is not what is measured.
    pub(super) counted: i32,
    /// When the key with number 0 was made, or `now`; each of the others a millisecond before the last one.
    pub(super) created: &'static str,
    /// The owner of all, if it is one.
    pub(super) owner: Option<&'static str>,
    /// When the key with number 0 expires, if it does; likewise.
    pub(super) expires: Option<&'static str>,
}

/// A day.
const WINDOW_MS: i32 = 86_400_000;

/// Calls that a key with a rate limit and no quota begins with. Its limit admits as many calls as its window has
/// milliseconds, so that each of them is one millisecond, and these are eleven days. While they last, no call is
/// forgotten, and what was called is what the key is ahead of its rate.
pub(super) const COUNTED: i32 = 1_000_000_000;

impl Lot {
    pub(super) fn of(sort: Sort) -> Result<Self, Failure> {
        let plenty = i32::try_from(PLENTY)?;
        let is_counted = sort == Sort::RateLimited;
        Ok(Self {
            letter: sort.letter(),
            remaining: sort.has_quota().then_some(plenty),
            rate_limit: sort.has_rate_limit().then_some(plenty),
            window_ms: if is_counted { plenty } else { WINDOW_MS },
            counted: if is_counted { COUNTED } else { 1000 },
            created: if is_counted { "now" } else { "2026-01-01" },
            owner: (sort == Sort::Owned).then_some(OWNER_OF_MANY),
            // Whatever this machine's clock says, it is later.
            expires: (sort == Sort::Expired).then_some("2020-01-01"),
        })
    }
}
