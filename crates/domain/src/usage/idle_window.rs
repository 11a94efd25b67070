//! Better Auth's rate limit (docs/better-auth-wire.md 8.2): every accepted call restarts the window, and only a window
//! without any accepted call clears the count.

use super::{Denied, RateLimit, Usage};
use crate::Timestamp;

pub(super) fn admit(limit: RateLimit, usage: Usage, cost: u64, now: Timestamp) -> Result<Usage, Denied> {
    // A clock that lags behind another process' clock neither shortens the window nor lengthens a wait.
    let present = usage.last_request.map_or(now, |last| last.max(now));
    let idle_until = usage.last_request.map(|last| last.plus_millis(limit.window_ms()));
    let count = match idle_until {
        Some(until) if present <= until => usage.request_count,
        _ => 0,
    };
    let total = count.saturating_add(cost);
    if total > limit.max() {
        // Better Auth's `tryAgainIn` names the window's last instant, at which it still refuses. Ours is the first
        // instant that admits.
        return Err(Denied { retry_in_ms: idle_until.map(|until| until.plus_millis(1).millis_since(present)) });
    }
    Ok(Usage { request_count: total, last_request: Some(present), backlog_ns: None, ..usage })
}

/// Returns the counters of `stored` after calls of `cost` that were admitted on a copy of them, which is now `known`.
pub(super) fn merge(limit: RateLimit, stored: Usage, known: &Usage, cost: u64) -> Usage {
    let Some(known_at) = known.last_request else { return stored };
    // The copy's count may have restarted since. Calls from before that have lapsed.
    let own = cost.min(known.request_count);
    let others = match stored.last_request {
        Some(at) if known_at.millis_since(at) <= limit.window_ms() => stored.request_count,
        _ => 0,
    };
    // All counts at or above the limit have the same effect.
    let count = others.saturating_add(own).max(known.request_count).min(limit.max());
    Usage { request_count: count, backlog_ns: None, ..stored }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::usage::Algorithm;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn admit(usage: Usage, cost: u64, now: Timestamp) -> Result<Usage, Denied> {
        RateLimit::new(NonZeroU64::new(1000).unwrap(), 3).admit(Algorithm::IdleWindow, usage, cost, now)
    }

    #[test]
    fn every_accepted_call_restarts_the_window() {
        let mut usage = Usage::new(None, START);
        for step in 0..3 {
            usage = admit(usage, 1, START.plus_millis(step * 900)).unwrap();
        }
        assert_eq!(usage.request_count, 3);
        let last = START.plus_millis(1800);
        assert_eq!(admit(usage, 1, last.plus_millis(900)), Err(Denied { retry_in_ms: Some(101) }));
        assert!(admit(usage, 1, last.plus_millis(1000)).is_err(), "the window's last instant belongs to it");
        assert_eq!(admit(usage, 1, last.plus_millis(1001)).unwrap().request_count, 1);
    }

    #[test]
    fn a_clock_that_lags_neither_shortens_the_window_nor_lengthens_the_wait() {
        let usage = admit(Usage::new(None, START), 3, START).unwrap();
        let earlier = START.minus_millis(500);
        assert_eq!(admit(usage, 1, earlier), Err(Denied { retry_in_ms: Some(1001) }));
        let one = admit(Usage::new(None, START), 1, START).unwrap();
        assert_eq!(admit(one, 1, earlier).unwrap().last_request, Some(START));
    }

    #[test]
    fn a_cost_above_the_limit_is_never_worth_retrying() {
        assert_eq!(admit(Usage::new(None, START), 4, START), Err(Denied { retry_in_ms: None }));
        assert_eq!(admit(Usage::new(None, START), 3, START).unwrap().request_count, 3);
    }
}
