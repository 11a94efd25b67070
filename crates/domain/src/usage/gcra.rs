//! The generic cell rate algorithm (GCRA) by the `governor` crate's arithmetic, over state that the store keeps.
//!
//! `governor` decides on one number, the theoretical arrival time. It asks a [`StateStore`] to hold that number and a
//! [`Clock`] for the present. Here both are cells on the stack, filled from the row before the decision and read back
//! after it. All instants are nanoseconds since the key's `last_request`, so that they stay small.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, RateLimiter, StateStore};

use super::{Denied, RateLimit, Usage};
use crate::Timestamp;

const NANOS_PER_MS: u64 = 1_000_000;

pub(super) fn admit(limit: RateLimit, usage: Usage, cost: u64, now: Timestamp) -> Result<Usage, Denied> {
    let (Some(rate), Some(cells)) = (Rate::of(limit), u32::try_from(cost).ok().and_then(NonZeroU32::new)) else {
        return Err(Denied { retry_in_ms: None });
    };
    let Rate { burst, interval_ns } = rate;
    let Some(quota) = governor::Quota::with_period(Duration::from_nanos(interval_ns)) else {
        return Err(Denied { retry_in_ms: None });
    };

    let last_request = usage.last_request.unwrap_or(now);
    let full_ns = rate.full_ns();
    // Idle time beyond a full burst earns nothing. The cap keeps every sum below within 64 bits.
    let elapsed_ns = now.millis_since(last_request).saturating_mul(NANOS_PER_MS).min(full_ns);
    let backlog_ns = rate.backlog_ns(&usage);

    let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Nanos>>::new(
        quota.allow_burst(burst),
        Arrival(Cell::new(Nanos::from(backlog_ns))),
        Present(Cell::new(Nanos::from(0_u64))),
    );
    limiter.clock().0.set(Nanos::from(elapsed_ns));
    match limiter.check_n(cells) {
        Ok(Ok(())) => {
            let arrival_ns = limiter.into_state_store().0.get().as_u64();
            let backlog_ns = arrival_ns.saturating_sub(elapsed_ns);
            Ok(Usage {
                request_count: backlog_ns.div_ceil(interval_ns),
                last_request: Some(last_request.max(now)),
                backlog_ns: Some(backlog_ns),
                ..usage
            })
        }
        Ok(Err(not_until)) => {
            let admitted_at = last_request.plus_millis(not_until.earliest_possible().as_u64().div_ceil(NANOS_PER_MS));
            // Another process' clock may be slightly ahead. Its lead is not part of the wait.
            Err(Denied { retry_in_ms: Some(admitted_at.millis_since(now.max(last_request))) })
        }
        Err(_) => Err(Denied { retry_in_ms: None }),
    }
}

/// Returns the counters of `stored` after calls of `cost` that were admitted on a copy of them, which is now `known`.
///
/// A call moves the theoretical arrival time from `x` to `max(x, now) + interval`. Any number of calls moves it to
/// `max(x, a) + b`: `b` is their cost in intervals, and `max(x, a)` is the copy's arrival time before `b` is added.
/// Calls that were counted elsewhere in between move `x`, so that the result is `max(x + b, known)`.
pub(super) fn merge(limit: RateLimit, stored: Usage, known: &Usage, cost: u64) -> Usage {
    let Some(rate) = Rate::of(limit) else { return stored };
    let Some(known_at) = known.last_request else { return stored };
    let Some(stored_at) = stored.last_request else {
        return Usage { request_count: known.request_count, backlog_ns: known.backlog_ns, ..stored };
    };
    let (origin, last) = (stored_at.min(known_at), stored_at.max(known_at));
    let since_origin = |at: Timestamp| at.millis_since(origin).saturating_mul(NANOS_PER_MS);
    let added_ns = cost.saturating_mul(rate.interval_ns);
    let shifted_ns = since_origin(stored_at).saturating_add(rate.backlog_ns(&stored)).saturating_add(added_ns);
    let known_ns = since_origin(known_at).saturating_add(rate.backlog_ns(known));
    let backlog_ns = shifted_ns.max(known_ns).saturating_sub(since_origin(last)).min(rate.full_ns());
    Usage { request_count: backlog_ns.div_ceil(rate.interval_ns), backlog_ns: Some(backlog_ns), ..stored }
}

/// A rate limit in GCRA's terms.
#[derive(Clone, Copy)]
struct Rate {
    burst: NonZeroU32,
    /// Nanoseconds per call. Rounded up, so that rounding never admits more than the limit.
    interval_ns: u64,
}

impl Rate {
    /// Returns `None` if the limit admits nothing.
    fn of(limit: RateLimit) -> Option<Self> {
        let burst = NonZeroU32::new(u32::try_from(limit.max()).unwrap_or(u32::MAX))?;
        let interval_ns = (limit.window_ms() * NANOS_PER_MS).div_ceil(u64::from(burst.get()));
        Some(Self { burst, interval_ns })
    }

    fn full_ns(self) -> u64 {
        self.interval_ns.saturating_mul(u64::from(self.burst.get()))
    }

    /// Returns the backlog of `usage`, at most a full burst, whatever the limit was when it was written.
    ///
    /// A key that only Better Auth has counted so far starts with Better Auth's count.
    fn backlog_ns(self, usage: &Usage) -> u64 {
        let counted = || usage.request_count.saturating_mul(self.interval_ns);
        usage.backlog_ns.unwrap_or_else(counted).min(self.full_ns())
    }
}

/// The theoretical arrival time. It serves one limiter, which exists during one decision.
struct Arrival(Cell<Nanos>);

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        decide(Some(self.0.get())).map(|(outcome, arrival)| {
            self.0.set(arrival);
            outcome
        })
    }
}

/// The instant of the decision. A limiter takes the first reading as its origin.
struct Present(Cell<Nanos>);

impl Clock for Present {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;
    use crate::usage::Algorithm;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn limit(window_ms: u64, max: u64) -> RateLimit {
        RateLimit::new(NonZeroU64::new(window_ms).unwrap(), max)
    }

    fn admit(limit: RateLimit, usage: Usage, cost: u64, now: Timestamp) -> Result<Usage, Denied> {
        limit.admit(Algorithm::Gcra, usage, cost, now)
    }

    #[test]
    fn a_full_burst_then_one_call_every_interval() {
        let limit = limit(1000, 4);
        let mut usage = Usage::new(None, START);
        for count in 1..=4 {
            usage = admit(limit, usage, 1, START).unwrap();
            assert_eq!(usage.request_count, count);
        }
        assert_eq!(admit(limit, usage, 1, START), Err(Denied { retry_in_ms: Some(250) }));
        assert!(admit(limit, usage, 1, START.plus_millis(249)).is_err());
        usage = admit(limit, usage, 1, START.plus_millis(250)).unwrap();
        assert_eq!(admit(limit, usage, 1, START.plus_millis(250)), Err(Denied { retry_in_ms: Some(250) }));
        assert_eq!(admit(limit, usage, 4, START.plus_millis(250)), Err(Denied { retry_in_ms: Some(1000) }));
    }

    #[test]
    fn extreme_limits_neither_overflow_nor_admit_too_much() {
        for (window, max) in
            [(1, 1), (1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX), (2_147_483_647, 2_147_483_647)]
        {
            let limit = limit(window, max);
            let usage = admit(limit, Usage::new(None, START), 1, START).unwrap();
            for cost in [1, max, u64::MAX] {
                let _ = admit(limit, usage, cost, Timestamp::MAX);
                let _ = admit(limit, usage, cost, Timestamp::MIN);
            }
        }
        assert_eq!(admit(limit(500, 0), Usage::new(None, START), 1, START), Err(Denied { retry_in_ms: Some(500) }));
    }

    #[test]
    fn a_row_that_better_auth_counted_enters_with_its_count() {
        let usage = Usage { request_count: 3, last_request: Some(START), ..Usage::new(None, START) };
        let limit = limit(1000, 4);
        let usage = admit(limit, usage, 1, START).unwrap();
        assert_eq!(admit(limit, usage, 1, START), Err(Denied { retry_in_ms: Some(250) }));
    }

    #[test]
    fn a_shorter_window_takes_effect_on_an_old_backlog() {
        let day = admit(limit(86_400_000, 1), Usage::new(None, START), 1, START).unwrap();
        assert_eq!(admit(limit(1000, 1), day, 1, START), Err(Denied { retry_in_ms: Some(1000) }));
    }

    proptest! {
        /// Any span admits at most a full burst and one call for every interval that passed.
        #[test]
        fn no_span_admits_more_than_the_limit(
            window in 1u64..5_000,
            max in 1u64..20,
            calls in prop::collection::vec((0u64..400, 1u64..4), 1..150),
        ) {
            let limit = limit(window, max);
            let interval_ns = (window * NANOS_PER_MS).div_ceil(max);
            let (mut usage, mut now) = (Usage::new(None, START), START);
            let mut admitted: Vec<(Timestamp, u64)> = Vec::new();
            for (gap, cost) in calls {
                now = now.plus_millis(gap);
                match admit(limit, usage, cost, now) {
                    Ok(next) => {
                        usage = next;
                        admitted.push((now, cost));
                    }
                    Err(Denied { retry_in_ms: Some(wait) }) => {
                        prop_assert!(admit(limit, usage, cost, now.plus_millis(wait - 1)).is_err());
                        prop_assert!(admit(limit, usage, cost, now.plus_millis(wait)).is_ok());
                    }
                    Err(Denied { retry_in_ms: None }) => prop_assert!(cost > max),
                }
            }
            for (first, (from, _)) in admitted.iter().enumerate() {
                let mut total = 0;
                for (at, cost) in &admitted[first..] {
                    total += cost;
                    prop_assert!(total <= max + at.millis_since(*from) * NANOS_PER_MS / interval_ns);
                }
            }
        }
    }
}
