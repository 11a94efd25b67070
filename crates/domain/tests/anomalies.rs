//! The detector of anomalies, judged on simulated years, and its properties.

#![expect(clippy::unwrap_used, reason = "test support")]

mod judgement;

use judgement::Judgement;
use keymint_domain::Timestamp;
use keymint_domain::anomaly::{
    Anomaly, HOURS_KNOWN, HOURS_READ, HourCounts, KnownNetwork, KnownNetworks, Progress, Reason, judge,
};
use proptest::prelude::*;

fn accepted(counts: impl IntoIterator<Item = u64>) -> Vec<HourCounts> {
    counts.into_iter().map(|accepted| HourCounts { accepted, refused: 0 }).collect()
}

fn reasons(hours: &[HourCounts], progress: Progress) -> Vec<Reason> {
    judge(hours, progress).into_iter().map(|anomaly| anomaly.reason).collect()
}

/// A sample of a seed that tuning has not seen, in some seconds: the ordinary years of 60 keys, and the incidents of
/// 300. `just simulate` judges 1,000 keys of five such seeds.
#[test]
fn a_simulated_year_has_hardly_a_false_alarm_and_spikes_are_found_within_the_hour() {
    let mut judgement = Judgement::default();
    judgement::ordinary_years(201, 0..60, &mut judgement);
    judgement::incidents(201, 0..300, &mut judgement);
    assert!(judgement.false_alarms_a_key() <= 1.0, "{judgement}");
    assert!(judgement.found[Reason::Spike as usize].1 > 500, "{judgement}");
    assert!(judgement.share_found(Reason::Spike) >= 0.95, "{judgement}");
    assert!(judgement.share_found(Reason::Drop) >= 0.9, "{judgement}");
    assert!(judgement.share_found(Reason::Refusals) >= 0.9, "{judgement}");
    // People's devices come from anywhere, so that the stranger among them is not found.
    assert!(judgement.share_found(Reason::NewNetwork) >= 0.5, "{judgement}");
    // Ten times as many alarms would pass unseen if the harness counted none.
    assert!(judgement.false_alarms_a_key() > 0.0 && judgement.stops > 0, "{judgement}");
}

#[test]
fn a_spike_says_what_was_seen_and_what_is_usual() {
    let hours = accepted(std::iter::repeat_n(50, HOURS_READ - 1).chain([500]));
    let spike = Anomaly { reason: Reason::Spike, seen: 500, usual: 50 };
    assert_eq!(judge(&hours, Progress::Over), [spike]);
    assert_eq!(judge(&hours, Progress::Running), [spike], "an hour need not be over");
}

#[test]
fn refusals_are_judged_apart_from_accepted_calls() {
    let mut hours = vec![HourCounts { accepted: 1_000, refused: 3 }; HOURS_READ];
    hours.last_mut().unwrap().refused = 400;
    assert_eq!(reasons(&hours, Progress::Running), [Reason::Refusals]);
}

#[test]
fn few_calls_are_no_anomaly_however_unusual() {
    let hours = accepted(std::iter::repeat_n(0, HOURS_READ - 1).chain([99]));
    assert_eq!(judge(&hours, Progress::Over), []);
}

#[test]
fn a_silence_is_found_once_in_its_third_hour() {
    let silence_from = HOURS_READ;
    let hours = accepted((0..silence_from + 60).map(|hour| if hour < silence_from { 200 } else { 0 }));
    let found = (silence_from..hours.len()).filter(|hour| reasons(&hours[..=*hour], Progress::Over) == [Reason::Drop]);
    assert_eq!(found.collect::<Vec<_>>(), [silence_from + 2]);
    assert_eq!(judge(&hours[..silence_from + 3], Progress::Running), [], "more calls may come");
}

#[test]
fn an_hour_or_two_without_calls_and_a_job_that_fails_are_no_silence() {
    let gap = accepted(std::iter::repeat_n(200, HOURS_READ).chain([0, 0]));
    assert_eq!(judge(&gap, Progress::Over), []);
    let nightly = |hour: usize| if hour % 24 == 3 && hour < HOURS_READ { 9_000 } else { 0 };
    let job = accepted((0..HOURS_READ + 24).map(nightly));
    for end in HOURS_READ..job.len() {
        assert_eq!(judge(&job[..=end], Progress::Over), [], "{end}");
    }
}

#[test]
fn a_rhythm_that_began_yesterday_is_found_once() {
    let nightly = |hour: usize| if hour % 24 == 3 && hour > HOURS_READ { 9_000 } else { 20 };
    let hours = accepted((0..HOURS_READ + 10 * 24).map(nightly));
    let found = (HOURS_READ..hours.len()).filter(|hour| !judge(&hours[..=*hour], Progress::Over).is_empty());
    assert_eq!(found.count(), 1);
}

const DAY_MS: u64 = 86_400_000;

fn day(number: u64) -> Timestamp {
    Timestamp::from_millis(0).plus_millis(20_000 * DAY_MS + number * DAY_MS)
}

#[test]
fn a_new_network_is_an_anomaly_of_a_key_whose_networks_hardly_change() {
    let mut known = KnownNetworks::default();
    assert!(!known.observe("192.0.2.0/24", day(0)), "the first network of a key");
    assert!(!known.observe("198.51.100.0/24", day(3)), "a key that is not settled");
    assert!(!known.observe("192.0.2.0/24", day(40)), "a known one");
    assert!(known.observe("203.0.113.0/24", day(40)));
    assert!(!known.observe("203.0.113.0/24", day(41)), "it is known now");
    assert!(!known.observe("10.0.0.0/24", day(50)), "the networks have just changed");
    let networks: Vec<_> = known.networks().iter().map(|known| &*known.network).collect();
    assert_eq!(networks, ["10.0.0.0/24", "203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24"]);
}

#[test]
fn people_on_the_move_have_no_anomalies_and_a_bounded_memory() {
    let mut known = KnownNetworks::default();
    for number in 0..400 {
        assert!(!known.observe(&format!("10.0.{number}.0/24"), day(number)));
    }
    assert_eq!(known.networks().len(), 16);
    // Nor after a pause.
    assert!(!known.observe("192.0.2.0/24", day(1_000)));
}

#[test]
fn known_networks_are_kept_in_the_order_of_their_use() {
    let network =
        |name: &str, last: u64| KnownNetwork { network: name.into(), first_seen: day(0), last_seen: day(last) };
    let known = KnownNetworks::new((0..20).map(|last| network(&last.to_string(), last)).collect());
    assert_eq!(known.networks().len(), 16);
    assert_eq!(&*known.networks()[0].network, "19");
}

prop_compose! {
    fn hours()(
        length in 0..HOURS_READ + 200,
        level in prop::sample::select(vec![0_u64, 1, 30, 1_000, u64::MAX / 4]),
        noise in prop::collection::vec(0..100_u64, HOURS_READ + 200),
        odd in prop::collection::vec((0..HOURS_READ + 200, prop::sample::select(vec![0, 1, 500, u64::MAX])), 0..20),
    ) -> Vec<HourCounts> {
        let count = |noise: u64| level / 2 + level / 100 * noise;
        let mut hours: Vec<_> = noise[..length]
            .iter()
            .map(|noise| HourCounts { accepted: count(*noise), refused: count(*noise) / 50 })
            .collect();
        for (place, value) in odd {
            if let Some(hour) = hours.get_mut(place) {
                *hour = HourCounts { accepted: value, refused: value };
            }
        }
        hours
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_series_is_too_odd_to_be_judged_and_a_running_hour_has_no_drop(hours in hours()) {
        let over = reasons(&hours, Progress::Over);
        let running = reasons(&hours, Progress::Running);
        prop_assert!(!running.contains(&Reason::Drop));
        prop_assert_eq!(over.into_iter().filter(|reason| *reason != Reason::Drop).collect::<Vec<_>>(), running);
    }

    #[test]
    fn more_calls_do_not_refute_what_a_running_hour_has_shown(
        hours in hours(),
        calls in 0..5_000_u64,
        more in 0..5_000_u64,
    ) {
        prop_assume!(!hours.is_empty());
        let with = |calls: u64| {
            let mut hours = hours.clone();
            *hours.last_mut().unwrap() = HourCounts { accepted: calls, refused: calls };
            reasons(&hours, Progress::Running)
        };
        let (early, late) = (with(calls), with(calls + more));
        prop_assert!(early.iter().all(|reason| late.contains(reason)), "{early:?} {late:?}");
    }

    #[test]
    fn hours_before_those_that_are_read_change_nothing(hours in hours(), before in prop::collection::vec(0..9_999_u64, 1..200)) {
        prop_assume!(hours.len() >= HOURS_READ);
        let longer: Vec<_> = accepted(before).into_iter().chain(hours.iter().copied()).collect();
        prop_assert_eq!(judge(&hours, Progress::Over), judge(&longer, Progress::Over));
    }

    #[test]
    fn a_key_that_is_not_known_yet_has_no_anomaly(hours in hours()) {
        let known = &hours[..hours.len().min(HOURS_KNOWN)];
        prop_assert_eq!(judge(known, Progress::Over), []);
    }

    #[test]
    fn an_incident_in_the_past_makes_no_anomaly_of_an_ordinary_hour(
        level in 0..100_000_u64,
        place in 0..HOURS_READ - 1,
        calls in 0..10_000_000_u64,
    ) {
        let mut hours = vec![HourCounts { accepted: level, refused: level / 10 }; HOURS_READ];
        hours[place] = HourCounts { accepted: calls, refused: calls };
        prop_assert_eq!(judge(&hours, Progress::Over), []);
    }

    #[test]
    fn chance_alone_is_no_anomaly(seed: u64, mean in 1.0..500.0_f64) {
        let mut dice = keymint_simulation::Dice::new(seed, 0, 0);
        let hours = accepted((0..HOURS_READ).map(|_| u64::from(dice.count(mean))));
        prop_assert_eq!(judge(&hours, Progress::Over), []);
    }
}
