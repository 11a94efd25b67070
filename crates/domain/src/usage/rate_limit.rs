use std::num::NonZeroU64;

use super::{Denied, Usage, gcra, idle_window};
use crate::Timestamp;

/// A rate limit: at most `max` calls per window of `window_ms`, counted by one of two [`Algorithm`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    window_ms: NonZeroU64,
    max: u64,
}

/// The algorithm that counts calls against a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// The generic cell rate algorithm: a burst of `max` from rest, then one call every `window / max`.
    #[default]
    Gcra,
    /// Better Auth's algorithm, exactly: the count restarts after a window without any accepted call.
    IdleWindow,
}

impl RateLimit {
    /// The longest window, a century. Longer ones are cut to it, so that nanoseconds stay within 64 bits.
    const MAX_WINDOW_MS: NonZeroU64 = NonZeroU64::new(36_525 * 86_400_000).unwrap();

    /// Returns a limit of at most `max` calls per `window_ms`; `max` = 0 admits nothing.
    pub fn new(window_ms: NonZeroU64, max: u64) -> Self {
        Self { window_ms: window_ms.min(Self::MAX_WINDOW_MS), max }
    }

    /// Returns the calls per window.
    pub fn max(self) -> u64 {
        self.max
    }

    /// Returns the window in milliseconds.
    pub fn window_ms(self) -> u64 {
        self.window_ms.get()
    }

    /// Counts a call of `cost` at `now`.
    ///
    /// # Errors
    ///
    /// Returns [`Denied`], with the wait before a retry, if the limit does not admit the call. A denied call does not
    /// change the counters.
    pub(crate) fn admit(self, algorithm: Algorithm, usage: Usage, cost: u64, now: Timestamp) -> Result<Usage, Denied> {
        if cost > self.max {
            // No wait makes room for more than a window holds. Better Auth uses a limit of 0 to say "not now", and
            // answers it with the window.
            return Err(Denied { retry_in_ms: (self.max == 0).then_some(self.window_ms()) });
        }
        match algorithm {
            Algorithm::Gcra => gcra::admit(self, usage, cost, now),
            Algorithm::IdleWindow => idle_window::admit(self, usage, cost, now),
        }
    }
}
