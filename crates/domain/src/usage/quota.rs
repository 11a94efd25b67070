use std::num::NonZeroU64;

use super::{Denied, Usage};
use crate::Timestamp;

/// A quota's refill: `amount` calls every `interval_ms`. A refill replaces the calls that are left; it does not add to
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refill {
    /// The calls after a refill.
    pub amount: NonZeroU64,
    /// Milliseconds that must have passed since the last refill, or since creation.
    pub interval_ms: NonZeroU64,
}

impl Refill {
    /// Returns the first instant of the next refill.
    ///
    /// Better Auth requires *more* than the interval to pass (docs/better-auth-wire.md 8.1), so that it is one
    /// millisecond after it.
    fn due_at(self, last: Timestamp) -> Timestamp {
        last.plus_millis(self.interval_ms.get()).plus_millis(1)
    }
}

impl Usage {
    /// Adds calls to the quota, or takes them from it, down to 0. A refill that is due happens before.
    #[must_use]
    pub(crate) fn topped_up(self, refill: Option<Refill>, created_at: Timestamp, calls: i64, now: Timestamp) -> Self {
        let refilled = self.charged(refill, created_at, 0, now).unwrap_or(self);
        Self { remaining: refilled.remaining.map(|left| left.saturating_add_signed(calls)), ..refilled }
    }

    /// Takes `cost` from the quota, and refills it first if that is due. Changes nothing if there is no quota.
    ///
    /// # Errors
    ///
    /// Returns [`Denied`] if fewer than `cost` calls are left.
    pub(crate) fn charged(
        self,
        refill: Option<Refill>,
        created_at: Timestamp,
        cost: u64,
        now: Timestamp,
    ) -> Result<Self, Denied> {
        let Some(left) = self.remaining else {
            return Ok(self);
        };
        let last = self.last_refill_at.unwrap_or(created_at);
        let due_at = refill.map(|refill| refill.due_at(last));
        let due = refill.filter(|_| due_at.is_some_and(|due_at| now >= due_at));
        let available = due.map_or(left, |refill| refill.amount.get());
        match available.checked_sub(cost) {
            Some(remaining) => Ok(Self {
                remaining: Some(remaining),
                last_refill_at: if due.is_some() { Some(now) } else { self.last_refill_at },
                ..self
            }),
            None => Err(Denied {
                retry_in_ms: refill
                    .filter(|refill| refill.amount.get() >= cost)
                    .and(due_at)
                    // Another process' clock may be slightly ahead. Its lead is not part of the wait.
                    .map(|due_at| due_at.millis_since(now.max(last))),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn refill(amount: u64, interval_ms: u64) -> Refill {
        Refill { amount: NonZeroU64::new(amount).unwrap(), interval_ms: NonZeroU64::new(interval_ms).unwrap() }
    }

    fn with(remaining: u64) -> Usage {
        Usage::new(Some(remaining), START)
    }

    #[test]
    fn the_last_call_is_admitted_and_the_next_is_not() {
        let spent = with(1).charged(None, START, 1, START).unwrap();
        assert_eq!(spent.remaining, Some(0));
        assert_eq!(spent.charged(None, START, 1, START), Err(Denied { retry_in_ms: None }));
    }

    #[test]
    fn a_cost_above_what_is_left_takes_nothing() {
        assert_eq!(with(3).charged(None, START, 4, START), Err(Denied { retry_in_ms: None }));
        assert_eq!(with(3).charged(None, START, 3, START).unwrap().remaining, Some(0));
    }

    #[test]
    fn refill_is_due_one_millisecond_past_the_interval_and_replaces_what_is_left() {
        let usage = with(2);
        let before = usage.charged(Some(refill(10, 1000)), START, 1, START.plus_millis(1000)).unwrap();
        assert_eq!((before.remaining, before.last_refill_at), (Some(1), None));
        let now = START.plus_millis(1001);
        let after = usage.charged(Some(refill(10, 1000)), START, 1, now).unwrap();
        assert_eq!((after.remaining, after.last_refill_at), (Some(9), Some(now)));
    }

    #[test]
    fn a_cost_that_no_refill_covers_is_never_worth_retrying() {
        assert_eq!(with(0).charged(Some(refill(5, 1000)), START, 6, START), Err(Denied { retry_in_ms: None }));
    }

    proptest! {
        #[test]
        fn no_sequence_spends_more_than_the_quota(
            quota in 0u64..50,
            refill_of in prop::option::of((1u64..20, 1u64..100)),
            calls in prop::collection::vec((0u64..60, 1u64..8), 1..200),
        ) {
            let refill = refill_of.map(|(amount, interval)| refill(amount, interval));
            let (mut usage, mut now, mut spent, mut budget) = (with(quota), START, 0, quota);
            for (gap, cost) in calls {
                now = now.plus_millis(gap);
                let refills = usage.last_refill_at;
                match usage.charged(refill, START, cost, now) {
                    Ok(next) => {
                        if next.last_refill_at != refills {
                            let interval = refill.unwrap().interval_ms.get();
                            prop_assert!(now.millis_since(refills.unwrap_or(START)) > interval);
                            budget = spent + refill.unwrap().amount.get();
                        }
                        spent += cost;
                        prop_assert!(spent <= budget);
                        prop_assert_eq!(next.remaining, Some(budget - spent));
                        usage = next;
                    }
                    Err(Denied { retry_in_ms: Some(wait) }) => {
                        prop_assert!(usage.charged(refill, START, cost, now.plus_millis(wait - 1)).is_err());
                        prop_assert!(usage.charged(refill, START, cost, now.plus_millis(wait)).is_ok());
                    }
                    Err(Denied { retry_in_ms: None }) => {
                        let later = now.plus_millis(1_000_000);
                        prop_assert!(usage.charged(refill, START, cost, later).is_err());
                    }
                }
            }
        }
    }
}
