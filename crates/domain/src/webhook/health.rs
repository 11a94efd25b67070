use crate::Timestamp;

/// The recent conduct of an endpoint. It bounds the load that a dead endpoint makes: with every failure in a row it is
/// called less often, until it accepts something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// The number of failures since the last event that was accepted.
    pub failures: u32,
    /// The instant of the last event that was accepted.
    pub accepted_at: Option<Timestamp>,
    /// The instant before which the endpoint is not called.
    pub rests_until: Option<Timestamp>,
}

impl EndpointHealth {
    /// The number of failures in a row that do not slow an endpoint down: an event that it alone refuses is no sign of
    /// its health.
    const TOLERATED: u32 = 2;
    const FIRST_REST_MS: u64 = 5000;
    const LONGEST_REST_MS: u64 = 300_000;

    /// Returns the conduct after an attempt that ended at `now`. `jitter` lengthens a rest by up to a tenth.
    #[must_use]
    pub fn after(self, accepted: bool, now: Timestamp, jitter: u8) -> Self {
        if accepted {
            return Self { failures: 0, accepted_at: Some(now), rests_until: None };
        }
        let failures = self.failures.saturating_add(1);
        let rests_until = failures.checked_sub(Self::TOLERATED + 1).map(|beyond| {
            let rest = Self::FIRST_REST_MS.saturating_mul(1 << beyond.min(20)).min(Self::LONGEST_REST_MS);
            now.plus_millis(rest + rest / 10 * u64::from(jitter) / u64::from(u8::MAX))
        });
        Self { failures, rests_until, ..self }
    }

    /// Returns true if the endpoint is called rarely, because it failed too often in a row.
    pub fn is_failing(self) -> bool {
        self.failures > Self::TOLERATED
    }

    /// Returns true if the endpoint may be called at `now`.
    pub fn is_ready(self, now: Timestamp) -> bool {
        self.rests_until.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn an_endpoint_that_fails_is_called_less_and_less_often_and_at_once_after_a_success() {
        let (mut health, mut rests) = (EndpointHealth::default(), Vec::new());
        for _ in 0..12 {
            health = health.after(false, NOW, 0);
            rests.push(health.rests_until.map_or(0, |until| until.millis_since(NOW) / 1000));
        }
        assert_eq!(rests, [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]);
        assert!(health.is_failing() && !health.is_ready(NOW) && health.is_ready(NOW.plus_millis(300_000)));
        let well = health.after(true, NOW, 0);
        assert_eq!(well, EndpointHealth { failures: 0, accepted_at: Some(NOW), rests_until: None });
        assert!(!well.is_failing() && well.is_ready(NOW));
    }

    #[test]
    fn jitter_lengthens_a_rest_by_a_tenth_at_most_and_no_count_overflows() {
        let failing = EndpointHealth { failures: u32::MAX, ..EndpointHealth::default() };
        let rest = |jitter| failing.after(false, NOW, jitter).rests_until.unwrap().millis_since(NOW);
        assert_eq!((rest(0), rest(u8::MAX)), (300_000, 330_000));
    }
}
