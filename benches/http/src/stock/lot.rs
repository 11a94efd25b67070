use crate::Failure;
use crate::api::PLENTY;
use crate::keys::{OWNER_OF_MANY, Sort};

/// The column values of the keys of one sort.
#[derive(Debug)]
pub(super) struct Lot {
    pub(super) letter: &'static str,
    pub(super) remaining: Option<i32>,
    pub(super) rate_limit: Option<i32>,
    pub(super) window_ms: i32,
    /// The calls that are counted already. A key's first call makes its row longer, which happens once, and is not
    /// measured.
    pub(super) counted: i32,
    /// The creation of the key with number 0, or `now`; each of the others a millisecond before the previous one.
    pub(super) created: &'static str,
    /// The owner of all keys, if it is one.
    pub(super) owner: Option<&'static str>,
    /// The expiry of the key with number 0, if it expires; the others as above.
    pub(super) expires: Option<&'static str>,
}

/// The window of the rate limit: a day.
const WINDOW_MS: i32 = 86_400_000;

/// The calls that a key with a rate limit and no quota begins with.
///
/// Its limit admits as many calls as its window has milliseconds, so that each call is one millisecond, and these are
/// eleven days. While they last, no call is forgotten, and the number of calls is the key's lead over its rate.
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
            // Earlier than any machine's clock.
            expires: (sort == Sort::Expired).then_some("2020-01-01"),
        })
    }
}
