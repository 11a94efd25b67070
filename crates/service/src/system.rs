//! The only place that reads clocks and the system's randomness.

use std::time::{Duration, Instant};

use keymint_domain::Timestamp;
use keymint_ports::{Clock, Entropy};
use rand::Rng as _;

/// The system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::from(std::time::SystemTime::now())
    }
}

/// Returns an instant to measure durations from. Nothing is decided by it.
#[expect(clippy::disallowed_methods, reason = "this is where everybody else measures from")]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Returns the present on the clock of Tokio's timers.
#[expect(clippy::disallowed_methods, reason = "timers are set by it")]
pub(crate) fn timer_clock() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Returns a duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The thread's cryptographic generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the randomness that everybody else asks")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
