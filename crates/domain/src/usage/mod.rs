//! What verifications change about a key: its quota and its rate limit.

mod gcra;
mod idle_window;
mod merge;
mod present;
mod quota;
mod rate_limit;
mod standing;

pub use quota::Refill;
pub use rate_limit::{Algorithm, RateLimit};
pub use standing::Standing;

use crate::Timestamp;

/// The counters of a key: the only part of it that a verification writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Calls that the quota still allows; `None` = no quota.
    pub remaining: Option<u64>,
    /// When the quota was last refilled.
    pub last_refill_at: Option<Timestamp>,
    /// Calls that count against the rate limit as of `last_request`.
    pub request_count: u64,
    /// The last accepted call. Exact for a key with a quota or a limit, else up to a minute
    /// old, so that it costs a write a minute and not one a call.
    pub last_request: Option<Timestamp>,
    /// GCRA's state: how far its theoretical arrival time lies past `last_request`, in nanoseconds. `None` until
    /// the first call that GCRA counts.
    pub backlog_ns: Option<u64>,
    /// The last change of the row, by a verification or an edit.
    pub updated_at: Timestamp,
}

/// A call that the counters do not admit now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied {
    /// Milliseconds until the same call is worth repeating; `None` = never.
    pub(crate) retry_in_ms: Option<u64>,
}

/// A key without quota and limit has nothing to count. Its last use is kept to the minute, so that it costs a
/// write a minute and not one a call.
const STAMP_EVERY_MS: u64 = 60_000;

impl Usage {
    /// The counters of a new key.
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

    /// These counters after an accepted call at `now` that had nothing to count.
    #[must_use]
    pub(crate) fn stamped(self, now: Timestamp) -> Self {
        match self.last_request {
            Some(last) if now.millis_since(last) < STAMP_EVERY_MS => self,
            _ => Self { last_request: Some(now), updated_at: now, ..self },
        }
    }
}
