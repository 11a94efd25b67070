//! The counters of a key that verifications change: its quota and its rate limit.

mod calendar;
mod clock_ahead;
mod gcra;
mod idle_window;
mod merge;
mod quota;
mod rate_limit;
mod standing;

pub use calendar::Every;
pub use quota::{Period, Refill};
pub use rate_limit::{Algorithm, RateLimit};
pub use standing::Standing;

use crate::Timestamp;

/// The counters of a key, which are all of it that a verification writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The calls that the quota still allows; `None` = no quota.
    pub remaining: Option<u64>,
    /// The instant at which the quota was last refilled.
    pub last_refill_at: Option<Timestamp>,
    /// The calls that count against the rate limit as of `last_request`.
    pub request_count: u64,
    /// The instant of the last accepted call.
    ///
    /// It is exact for a key with a quota or a limit. For others it is up to a minute old, so that it costs one write a
    /// minute and not one per call.
    pub last_request: Option<Timestamp>,
    /// GCRA's state: the time from `last_request` to the theoretical arrival time, in nanoseconds. `None` until GCRA
    /// counts the first call.
    pub backlog_ns: Option<u64>,
    /// The instant at which a verification or an edit last changed the row.
    pub updated_at: Timestamp,
}

/// A call that the counters do not admit now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied {
    /// Milliseconds until a retry can succeed; `None` = never.
    pub(crate) retry_in_ms: Option<u64>,
}

/// The resolution of the last use of a key without quota and limit, so that it costs one write a minute and not one per
/// call.
const STAMP_EVERY_MS: u64 = 60_000;

impl Usage {
    /// Returns the counters of a new key.
    pub fn new(remaining: Option<u64>, now: Timestamp) -> Self {
        Self {
            remaining,
            last_refill_at: None,
            request_count: 0,
            last_request: None,
            backlog_ns: None,
            updated_at: now,
        }
    }

    /// Returns these counters after an accepted call at `now` of a key without quota and limit.
    #[must_use]
    pub(crate) fn stamped(self, now: Timestamp) -> Self {
        match self.last_request {
            Some(last) if now.millis_since(last) < STAMP_EVERY_MS => self,
            _ => Self { last_request: Some(now), updated_at: now, ..self },
        }
    }
}
