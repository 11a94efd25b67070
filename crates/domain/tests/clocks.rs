//! Clocks that are set forwards and backwards: no client waits longer than a window or a refill's interval, and a step
//! wins at most one allowance.

#![expect(clippy::unwrap_used, reason = "test support")]

use keymint_domain::key::{Field, NewKey, PlainKey, RefillInput};
use keymint_domain::usage::Algorithm;
use keymint_domain::verify::{Attempt, Cost, Ledger, Owner, Verdict};
use keymint_domain::{ApiKey, Configuration, OwnerId, Policy, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const DAY_MS: u64 = 86_400_000;
/// The largest lead, in milliseconds, that another process' clock may have.
const SKEW_MS: u64 = 1000;

/// A key of a stored row, and the policy that judges it.
struct World {
    policy: Policy,
    key: ApiKey,
}

impl World {
    /// Makes a key at `now`.
    fn new(new: NewKey, algorithm: Algorithm, now: Timestamp) -> Self {
        let mut configuration = Configuration::default();
        configuration.rate_limit.algorithm = algorithm;
        let owner = OwnerId::parse("ada").unwrap();
        let plain = PlainKey::new("sk_secret");
        let new = new.check(&configuration).unwrap();
        let key = new.mint(owner, plain, &mut |bytes: &mut [u8]| bytes.fill(3), now).key;
        Self { policy: Policy::new(vec![configuration]).unwrap(), key }
    }

    fn limited(window_ms: u64, max: u64, algorithm: Algorithm) -> Self {
        let new = NewKey { rate_limit_window_ms: Some(window_ms), rate_limit_max: Some(max), ..NewKey::default() };
        Self::new(new, algorithm, NOW)
    }

    fn refilled(interval_ms: u64, amount: u64, made: Timestamp) -> Self {
        let refill = RefillInput { amount: Some(amount), interval_ms: Some(interval_ms), every: None };
        let remaining = Field::Given(amount);
        let new = NewKey { refill, remaining, rate_limit_enabled: Some(false), ..NewKey::default() };
        Self::new(new, Algorithm::default(), made)
    }

    /// Uses the key, and keeps the changed counters. `Err` = the wait that the answer names.
    fn spend(&mut self, cost: u32, now: Timestamp) -> Result<(), Option<u64>> {
        let row = (self.key.details.stored.clone(), Ok((self.key.clone(), Owner::Present)));
        let mut ledger: Ledger<()> = Ledger::new([row]);
        let attempt = Attempt::new(&PlainKey::new("sk_secret"), &self.policy).at_cost(Cost(cost));
        let verdict = ledger.settle([&attempt], &self.policy, now).remove(0).unwrap();
        if let Some(changed) = ledger.changes().next() {
            self.key = changed.clone();
        }
        match verdict {
            Verdict::Accepted(_) => Ok(()),
            Verdict::Refused(refusal) => Err(refusal.retry_in_ms),
        }
    }

    /// Returns true if the same use is admitted after `wait_ms`, if nothing else happens.
    fn is_admitted_after(&self, wait_ms: u64, cost: u32, now: Timestamp) -> bool {
        let mut later = Self { policy: self.policy.clone(), key: self.key.clone() };
        later.spend(cost, now.plus_millis(wait_ms)).is_ok()
    }
}

/// Moves the clock before the next use: it runs on, or is set.
fn step() -> impl Strategy<Value = (bool, i64)> {
    let day = i64::try_from(DAY_MS).unwrap();
    prop_oneof![
        6 => (0i64..400).prop_map(|ms| (false, ms)),
        1 => (-2000i64..2000).prop_map(|ms| (true, ms)),
        1 => (-400 * day..400 * day).prop_map(|ms| (true, ms)),
    ]
}

fn moved(now: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_millis(now.as_millis() + by)
}

proptest! {
    #[test]
    fn a_rate_limit_never_asks_for_more_than_its_window(
        algorithm in prop::sample::select(&[Algorithm::Gcra, Algorithm::IdleWindow][..]),
        window_ms in 1u64..5_000,
        max in 1u64..20,
        uses in prop::collection::vec((step(), 1u32..4), 1..100),
    ) {
        let (mut world, mut now) = (World::limited(window_ms, max, algorithm), NOW);
        let interval_ns = (window_ms * 1_000_000).div_ceil(max);
        let (mut since, mut admitted) = (now, 0);
        for ((is_set, by), cost) in uses {
            now = moved(now, by);
            if is_set {
                (since, admitted) = (now, 0);
            }
            match world.spend(cost, now) {
                Ok(()) => admitted += u64::from(cost),
                Err(None) => prop_assert!(u64::from(cost) > max),
                Err(Some(wait_ms)) => {
                    prop_assert!(wait_ms <= window_ms + 1, "{wait_ms}");
                    prop_assert!(world.is_admitted_after(wait_ms + SKEW_MS, cost, now));
                }
            }
            if algorithm == Algorithm::Gcra {
                prop_assert!(admitted <= max + now.millis_since(since) * 1_000_000 / interval_ns);
            }
        }
    }

    #[test]
    fn a_refill_never_lets_wait_for_more_than_its_interval(
        interval_ms in 1u64..5_000,
        amount in 1u64..20,
        made_by in -400i64..400,
        uses in prop::collection::vec((step(), 1u32..4), 1..100),
    ) {
        let made = moved(NOW, made_by * i64::try_from(DAY_MS).unwrap());
        let (mut world, mut now) = (World::refilled(interval_ms, amount, made), NOW);
        let (mut since, mut spent) = (now, 0);
        for ((is_set, by), cost) in uses {
            now = moved(now, by);
            if is_set {
                (since, spent) = (now, 0);
            }
            match world.spend(cost, now) {
                Ok(()) => spent += u64::from(cost),
                Err(None) => prop_assert!(u64::from(cost) > amount),
                Err(Some(wait_ms)) => {
                    prop_assert!(wait_ms <= interval_ms + 1, "{wait_ms}");
                    prop_assert!(world.is_admitted_after(wait_ms + SKEW_MS, cost, now));
                }
            }
            prop_assert!(spent <= amount * (2 + now.millis_since(since) / (interval_ms + 1)));
        }
    }
}

#[test]
fn a_use_while_the_clock_is_far_ahead_harms_nothing_once_it_is_right() {
    let ahead = NOW.plus_millis(400 * DAY_MS);
    for algorithm in [Algorithm::Gcra, Algorithm::IdleWindow] {
        let mut world = World::limited(60_000, 1, algorithm);
        world.spend(1, ahead).unwrap();
        let first = world.spend(1, NOW).unwrap_err().unwrap();
        assert!((60_000..=60_001).contains(&first), "the use counts for one window from now on: {first}");
        let second = world.spend(1, NOW.plus_millis(10_000)).unwrap_err().unwrap();
        assert_eq!(second, first - 10_000, "a look begins no window anew");
        world.spend(1, NOW.plus_millis(first)).unwrap();
        assert_eq!(world.key.usage.last_request, Some(NOW.plus_millis(first)));
        assert_eq!(world.key.usage.updated_at, NOW.plus_millis(first));
    }
}

#[test]
fn a_refill_that_came_while_the_clock_was_far_ahead_comes_again_after_its_interval() {
    let mut world = World::refilled(60_000, 2, NOW);
    world.spend(2, NOW.plus_millis(400 * DAY_MS)).unwrap();
    assert_eq!(world.spend(1, NOW), Err(Some(60_001)));
    assert_eq!(world.spend(1, NOW.plus_millis(60_000)), Err(Some(1)));
    world.spend(2, NOW.plus_millis(60_001)).unwrap();
}

#[test]
fn what_a_clock_that_is_a_little_ahead_has_counted_is_not_moved() {
    let mut world = World::limited(60_000, 1, Algorithm::Gcra);
    let ahead = NOW.plus_millis(SKEW_MS);
    world.spend(1, ahead).unwrap();
    for _ in 0..2 {
        assert_eq!(world.spend(1, NOW), Err(Some(60_000)));
        assert_eq!(world.key.usage.last_request, Some(ahead), "each process would win what the other one loses");
    }
}

#[test]
fn the_last_use_of_a_key_without_limits_is_that_of_the_right_clock() {
    let mut world =
        World::new(NewKey { rate_limit_enabled: Some(false), ..NewKey::default() }, Algorithm::default(), NOW);
    world.spend(1, NOW.plus_millis(400 * DAY_MS)).unwrap();
    world.spend(1, NOW).unwrap();
    assert_eq!(world.key.usage.last_request, Some(NOW));
}
