use crate::Timestamp;

/// The delays between the attempts of a delivery in milliseconds: 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, and 24 h
/// from then on.
pub const RETRY_DELAYS_MS: [u64; 9] = {
    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    [5000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
};

/// The time from the first attempt of a delivery to its last one, in milliseconds: five days.
pub const LAST_ATTEMPT_AFTER_MS: u64 = 5 * 24 * 3_600_000;

/// The result of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered with a status of 200 to 299.
    Delivered,
    /// The endpoint answered 410: it wants no more.
    Gone,
    /// Anything else.
    Failed,
}

impl Outcome {
    /// Returns the result of an answer with this status. A redirect is a failure, because none is followed.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            _ => Self::Failed,
        }
    }
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is to be attempted, now or later.
    Pending,
    /// The endpoint accepted it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryStatus {
    /// Returns the word of the store, the wire and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|status| status.as_str() == text)
    }
}

/// The attempts of a delivery so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// The state that they led to.
    pub status: DeliveryStatus,
    /// Their number.
    pub count: u32,
    /// The instant of the first one.
    pub first_at: Option<Timestamp>,
    /// The instant of the last one.
    pub last_at: Option<Timestamp>,
    /// The earliest instant of the next one, while the delivery is pending. `None` = an earlier event of the same key
    /// is to be delivered first.
    pub next_at: Option<Timestamp>,
}

/// The consequence of an attempt for the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It is paused: it accepted nothing for five days.
    Pause,
    /// It is disabled: it said that it wants no more.
    Disable,
}

impl Attempts {
    /// Returns the state of a delivery that may be attempted from `due` on.
    pub fn due(due: Timestamp) -> Self {
        Self { next_at: Some(due), ..Self::held() }
    }

    /// Returns the state of a delivery that waits for an earlier one of the same key.
    pub fn held() -> Self {
        Self { status: DeliveryStatus::Pending, count: 0, first_at: None, last_at: None, next_at: None }
    }
}

/// Returns the state of a delivery after an attempt that ended at `now`, and the consequence for its endpoint.
///
/// `accepted_at` is the last instant at which the endpoint accepted anything. A delivery that fails on day five is
/// given up if the endpoint accepted others since its first attempt; if it did not, the endpoint is paused, and the
/// delivery stays for its return. `jitter` lengthens a delay by up to a tenth, so that what failed together is not
/// attempted together.
pub fn after_attempt(
    attempts: Attempts,
    outcome: Outcome,
    accepted_at: Option<Timestamp>,
    now: Timestamp,
    jitter: u8,
) -> (Attempts, Verdict) {
    let count = attempts.count.saturating_add(1);
    let first_at = attempts.first_at.unwrap_or(now);
    let after = Attempts { count, first_at: Some(first_at), last_at: Some(now), next_at: None, ..attempts };
    match outcome {
        Outcome::Delivered => (Attempts { status: DeliveryStatus::Delivered, ..after }, Verdict::Keep),
        // It is due again if somebody resumes the endpoint.
        Outcome::Gone => (Attempts { next_at: Some(now), ..after }, Verdict::Disable),
        Outcome::Failed => {
            let last_attempt_at = first_at.plus_millis(LAST_ATTEMPT_AFTER_MS);
            if now < last_attempt_at {
                let next_at = now.plus_millis(delay_ms(count, jitter)).min(last_attempt_at);
                return (Attempts { next_at: Some(next_at), ..after }, Verdict::Keep);
            }
            if accepted_at.is_some_and(|accepted_at| accepted_at > first_at) {
                return (Attempts { status: DeliveryStatus::Failed, ..after }, Verdict::Keep);
            }
            (Attempts { next_at: Some(now), ..after }, Verdict::Pause)
        }
    }
}

/// Returns the delay after so many failed attempts.
fn delay_ms(failed: u32, jitter: u8) -> u64 {
    let place = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX).min(RETRY_DELAYS_MS.len() - 1);
    let delay = RETRY_DELAYS_MS[place];
    delay + delay / 10 * u64::from(jitter) / u64::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    /// Fails a delivery whenever it is due, until it is no longer. Returns the instants of its attempts since the first.
    fn fail_until_the_end(jitter: impl Fn(u32) -> u8) -> (Vec<u64>, Attempts, Verdict) {
        let (mut attempts, mut at) = (Attempts::due(NOW), Vec::new());
        loop {
            let now = attempts.next_at.unwrap();
            at.push(now.millis_since(NOW));
            let (after, verdict) = after_attempt(attempts, Outcome::Failed, None, now, jitter(attempts.count));
            attempts = after;
            if verdict != Verdict::Keep {
                return (at, attempts, verdict);
            }
        }
    }

    #[test]
    fn without_jitter_the_schedule_is_the_documented_one_and_ends_on_day_five() {
        let (at, attempts, verdict) = fail_until_the_end(|_| 0);
        let mut expected = vec![0];
        for delay in RETRY_DELAYS_MS {
            expected.push(expected.last().unwrap() + delay);
        }
        expected.push(expected.last().unwrap() + 24 * 3_600_000);
        expected.push(LAST_ATTEMPT_AFTER_MS);
        assert_eq!(at, expected);
        assert_eq!((verdict, attempts.count), (Verdict::Pause, 12));
        assert_eq!((attempts.status, attempts.next_at), (DeliveryStatus::Pending, attempts.last_at));
    }

    #[test]
    fn an_event_that_the_endpoint_alone_refuses_is_given_up_and_the_endpoint_stays() {
        let old = Attempts { count: 11, first_at: Some(NOW), ..Attempts::due(NOW) };
        let now = NOW.plus_millis(LAST_ATTEMPT_AFTER_MS);
        let with = |accepted_at| after_attempt(old, Outcome::Failed, accepted_at, now, 0);
        let (given_up, verdict) = with(Some(NOW.plus_millis(1)));
        assert_eq!((given_up.status, given_up.next_at, verdict), (DeliveryStatus::Failed, None, Verdict::Keep));
        assert_eq!(with(Some(NOW)).1, Verdict::Pause, "nothing was accepted since");
        assert_eq!(with(None).1, Verdict::Pause);
    }

    #[test]
    fn a_status_has_one_meaning() {
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (299, Outcome::Delivered),
            (199, Outcome::Failed),
            (301, Outcome::Failed),
            (400, Outcome::Failed),
            (404, Outcome::Failed),
            (410, Outcome::Gone),
            (429, Outcome::Failed),
            (500, Outcome::Failed),
        ] {
            assert_eq!(Outcome::of_status(status), outcome, "{status}");
        }
    }

    #[test]
    fn an_endpoint_that_is_gone_is_disabled_at_once_and_its_event_stays() {
        let (after, verdict) = after_attempt(Attempts::due(NOW), Outcome::Gone, None, NOW, 0);
        assert_eq!((after.status, verdict), (DeliveryStatus::Pending, Verdict::Disable));
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![Just(Outcome::Delivered), Just(Outcome::Gone), Just(Outcome::Failed)]
    }

    proptest! {
        #[test]
        fn whatever_the_jitter_the_last_attempt_is_on_day_five(seed: [u8; 16]) {
            let (at, _, verdict) = fail_until_the_end(|count| seed[count as usize % 16]);
            prop_assert_eq!(at.last(), Some(&LAST_ATTEMPT_AFTER_MS));
            prop_assert_eq!(verdict, Verdict::Pause);
            for (gap, delay) in at.windows(2).map(|pair| pair[1] - pair[0]).zip(RETRY_DELAYS_MS) {
                prop_assert!((delay..=delay + delay / 10).contains(&gap), "{gap} {delay}");
            }
        }

        #[test]
        fn exactly_a_pending_delivery_has_a_next_attempt_and_none_is_in_the_past(
            outcome in outcome(),
            count: u32,
            age in 0..2 * LAST_ATTEMPT_AFTER_MS,
            accepted in proptest::option::of(0..2 * LAST_ATTEMPT_AFTER_MS),
            jitter: u8,
        ) {
            let first_at = (count > 0).then_some(NOW);
            let now = NOW.plus_millis(age);
            let before = Attempts { count, first_at, ..Attempts::due(now) };
            let (after, _) = after_attempt(before, outcome, accepted.map(|at| NOW.plus_millis(at)), now, jitter);
            prop_assert_eq!(after.status == DeliveryStatus::Pending, after.next_at.is_some());
            prop_assert!(after.next_at.is_none_or(|at| at >= now));
            prop_assert_eq!(after.count, count.saturating_add(1));
            prop_assert_eq!(after.last_at, Some(now));
        }
    }
}
