use std::num::NonZeroU64;

use super::{Denied, Every, Usage};
use crate::Timestamp;

/// A quota's refill: `amount` calls in every period. A refill replaces the calls that are left; it does not add to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refill {
    /// The calls after a refill.
    pub amount: NonZeroU64,
    /// The time between two refills.
    pub period: Period,
}

/// The time between two refills of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Milliseconds that must have passed since the last refill, or since creation.
    Interval(NonZeroU64),
    /// A period of the calendar: the first use after its border refills.
    Calendar(Every),
}

impl Refill {
    /// Returns the first instant of the next refill.
    ///
    /// Of an interval, Better Auth requires *more* to pass (docs/better-auth-wire.md 8.1), so that it is one
    /// millisecond after it.
    fn due_at(self, last: Timestamp) -> Timestamp {
        match self.period {
            Period::Interval(interval_ms) => last.plus_millis(interval_ms.get()).plus_millis(1),
            Period::Calendar(every) => every.next(last),
        }
    }

    /// Returns the length of the period that contains `now`, in milliseconds.
    pub(crate) fn window_ms(self, now: Timestamp) -> u64 {
        match self.period {
            Period::Interval(interval_ms) => interval_ms.get(),
            Period::Calendar(every) => every.next(now).millis_since(every.start(now)),
        }
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
        let interval_ms = NonZeroU64::new(interval_ms).unwrap();
        Refill { amount: NonZeroU64::new(amount).unwrap(), period: Period::Interval(interval_ms) }
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

    fn monthly(amount: u64) -> Refill {
        Refill { amount: NonZeroU64::new(amount).unwrap(), period: Period::Calendar(Every::Month) }
    }

    #[test]
    fn a_calendars_refill_is_due_at_its_border() {
        let at = |text| Timestamp::parse(text).unwrap();
        let (made, last) = (at("2024-01-31T12:00:00Z"), at("2024-01-31T23:59:59.999Z"));
        let spent = Usage { remaining: Some(0), ..Usage::new(Some(0), made) };
        assert_eq!(spent.charged(Some(monthly(5)), made, 1, last), Err(Denied { retry_in_ms: Some(1) }));
        let refilled = spent.charged(Some(monthly(5)), made, 1, at("2024-02-01T00:00:00Z")).unwrap();
        assert_eq!((refilled.remaining, refilled.last_refill_at), (Some(4), Some(at("2024-02-01T00:00:00Z"))));
        let again = refilled.charged(Some(monthly(5)), made, 1, at("2024-02-29T23:59:59.999Z")).unwrap();
        assert_eq!(again.remaining, Some(3));
        // A key that slept for months is refilled once.
        let later = again.charged(Some(monthly(5)), made, 1, at("2024-07-15T00:00:00Z")).unwrap();
        assert_eq!(later.remaining, Some(4));
        assert_eq!(
            later.charged(Some(monthly(5)), made, 1, at("2024-07-31T23:59:59.999Z")).unwrap().remaining,
            Some(3)
        );
        assert_eq!(monthly(5).window_ms(at("2024-02-10T00:00:00Z")), 29 * 86_400_000);
    }

    proptest! {
        /// Clocks step forwards and back by up to forty days; the counters are brought to the present, as the ledger does.
        #[test]
        fn a_period_admits_no_more_than_its_amount_unless_a_clock_ran_ahead(
            every in prop::sample::select(&Every::ALL[..]),
            amount in 1u64..6,
            start in 1_600_000_000_000_i64..1_900_000_000_000,
            steps in prop::collection::vec(0_u64..40 * 86_400_000, 1..60),
        ) {
            let refill = Refill { amount: NonZeroU64::new(amount).unwrap(), period: Period::Calendar(every) };
            let made = Timestamp::from_millis(start);
            let (mut usage, mut now) = (Usage::new(Some(amount), made), made);
            let mut used = std::collections::BTreeMap::<Timestamp, u64>::new();
            for step in steps {
                // Most steps are short, so that periods are used up.
                now = now.plus_millis(if step % 3 == 0 { step } else { step / 1000 });
                for _ in 0..3 {
                    match usage.charged(Some(refill), made, 1, now) {
                        Ok(next) => {
                            *used.entry(every.start(now)).or_default() += 1;
                            usage = next;
                        }
                        Err(Denied { retry_in_ms }) => {
                            let wait = retry_in_ms.unwrap();
                            prop_assert_eq!(now.plus_millis(wait), every.next(now));
                            prop_assert!(usage.charged(Some(refill), made, 1, now.plus_millis(wait - 1)).is_err());
                            prop_assert!(usage.charged(Some(refill), made, 1, now.plus_millis(wait)).is_ok());
                        }
                    }
                }
            }
            prop_assert!(used.values().all(|uses| *uses <= amount), "{:?}", used);
        }

        #[test]
        fn a_clock_that_steps_back_refills_nothing_and_waits_no_longer_than_a_period(
            every in prop::sample::select(&Every::ALL[..]),
            start in 1_600_000_000_000_i64..1_900_000_000_000,
            back in 0_u64..90 * 86_400_000,
        ) {
            let refill = Refill { amount: NonZeroU64::new(1).unwrap(), period: Period::Calendar(every) };
            let ahead = Timestamp::from_millis(start);
            let used = Usage { last_refill_at: Some(ahead), ..Usage::new(Some(0), ahead) };
            let now = ahead.minus_millis(back);
            let Err(Denied { retry_in_ms }) = used.charged(Some(refill), ahead, 1, now) else {
                return Err(TestCaseError::fail("it was refilled"));
            };
            // Instants that lie ahead are moved to the present before they are judged.
            let corrected = Usage { last_refill_at: Some(now), ..used };
            let Err(Denied { retry_in_ms: wait }) = corrected.charged(Some(refill), ahead, 1, now) else {
                return Err(TestCaseError::fail("it was refilled"));
            };
            prop_assert_eq!(now.plus_millis(wait.unwrap()), every.next(now));
            prop_assert!(retry_in_ms.is_some());
        }

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
                            let interval = refill.unwrap().window_ms(now);
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
