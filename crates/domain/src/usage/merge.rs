//! Merges counters that a process kept with those that the store has meanwhile.

use super::{Algorithm, RateLimit, Usage, gcra, idle_window};

impl Usage {
    /// Returns these stored counters after calls of `cost` in total that were answered on a copy of them, which is now
    /// `known`.
    ///
    /// Calls that others have counted since the copy was made stay counted. The quota is unchanged: a key that is
    /// answered on a copy must have none.
    #[must_use]
    pub(crate) fn merged(self, known: &Self, cost: u64, limit: Option<(RateLimit, Algorithm)>) -> Self {
        let counted = match limit {
            Some((limit, Algorithm::Gcra)) => gcra::merge(limit, self, known, cost),
            Some((limit, Algorithm::IdleWindow)) => idle_window::merge(limit, self, known, cost),
            None => self,
        };
        Self {
            last_request: self.last_request.max(known.last_request),
            updated_at: self.updated_at.max(known.updated_at),
            ..counted
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn limit(window_ms: u64, max: u64) -> RateLimit {
        RateLimit::new(NonZeroU64::new(window_ms).unwrap(), max)
    }

    /// Returns the counters after these calls, each so many milliseconds after the previous one, and the cost of the
    /// admitted calls.
    fn after(
        (limit, algorithm): (RateLimit, Algorithm),
        mut usage: Usage,
        start: Timestamp,
        calls: &[(u64, u64)],
    ) -> (Usage, u64) {
        let (mut now, mut total) = (start, 0);
        for (gap, cost) in calls {
            now = now.plus_millis(*gap);
            if let Ok(next) = limit.admit(algorithm, usage, *cost, now) {
                (usage, total) = (Usage { updated_at: now, ..next }, total + cost);
            }
        }
        (usage, total)
    }

    proptest! {
        #[test]
        fn without_others_the_store_gets_what_the_copy_has(
            algorithm in prop::sample::select(&[Algorithm::Gcra, Algorithm::IdleWindow][..]),
            window_ms in 1u64..200,
            max in 1u64..20,
            before in prop::collection::vec((0u64..100, 1u64..4), 0..10),
            meanwhile in prop::collection::vec((0u64..100, 1u64..4), 1..40),
        ) {
            let limit = (limit(window_ms, max), algorithm);
            let (stored, _) = after(limit, Usage::new(None, START), START, &before);
            let (known, cost) = after(limit, stored, stored.last_request.unwrap_or(START), &meanwhile);
            prop_assert_eq!(stored.merged(&known, cost, Some(limit)), if cost == 0 { stored } else { known });
        }

        #[test]
        fn calls_of_two_copies_add_up_up_to_the_limit(
            algorithm in prop::sample::select(&[Algorithm::Gcra, Algorithm::IdleWindow][..]),
            before in 0usize..5,
            here in 1usize..20,
            there in 1usize..20,
        ) {
            let limit = (limit(60_000, 20), algorithm);
            let calls = [(0, 1); 20];
            let (read, _) = after(limit, Usage::new(None, START), START, &calls[..before]);
            let (one, cost_of_one) = after(limit, read, START, &calls[..here]);
            let (other, cost_of_other) = after(limit, read, START, &calls[..there]);
            let stored = read.merged(&one, cost_of_one, Some(limit)).merged(&other, cost_of_other, Some(limit));
            let sum = before as u64 + cost_of_one + cost_of_other;
            prop_assert_eq!(stored.request_count, sum.min(20));
        }
    }

    #[test]
    fn a_copy_that_is_behind_takes_nothing_back() {
        let limit = limit(60_000, 10);
        for algorithm in [Algorithm::Gcra, Algorithm::IdleWindow] {
            let (known, cost) = after((limit, algorithm), Usage::new(None, START), START, &[(0, 1)]);
            let later = START.plus_millis(1000);
            let (stored, _) = after((limit, algorithm), Usage::new(None, START), later, &[(0, 1); 4]);
            let merged = stored.merged(&known, cost, Some((limit, algorithm)));
            assert_eq!((merged.request_count, merged.last_request, merged.updated_at), (5, Some(later), later));
        }
    }

    #[test]
    fn the_quota_is_left_alone() {
        let stored = Usage::new(Some(7), START);
        let known = Usage { last_request: Some(START), ..Usage::new(None, START) };
        assert_eq!(stored.merged(&known, 3, None), Usage { last_request: Some(START), ..stored });
    }
}
