//! Runs the detector over simulated years and counts its false alarms and its finds.

use std::collections::BTreeSet;
use std::fmt;

use keymint_domain::Timestamp;
use keymint_domain::anomaly::{HOURS_READ, HourCounts, KnownNetworks, Progress, Reason, judge, may_be_unusual};
use keymint_simulation::{FIRST_HOUR, HOURS, Hour, SimulatedKey, Trouble, TroubleKind, WARM_UP};

const HOUR_MS: u64 = 3_600_000;

/// The figures of some keys' years.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judgement {
    /// False alarms of each key in its ordinary year.
    pub(crate) false_alarms: Vec<u32>,
    /// The same, by reason.
    pub(crate) by_reason: [u32; 4],
    /// True alarms about keys that stopped.
    pub(crate) stops: u32,
    /// Incidents that were found in their first hour (drops: within three hours), and all, by reason.
    pub(crate) found: [(u32, u32); 4],
}

impl Judgement {
    /// Returns the mean of the false alarms per key and year.
    pub(crate) fn false_alarms_a_key(&self) -> f64 {
        f64::from(self.false_alarms.iter().sum::<u32>()) / self.keys()
    }

    /// Returns the share of the keys with more than one false alarm in the year.
    pub(crate) fn share_above_one(&self) -> f64 {
        f64::from(u32::try_from(self.false_alarms.iter().filter(|alarms| **alarms > 1).count()).unwrap()) / self.keys()
    }

    /// Returns the share of the incidents of a reason that were found in time.
    pub(crate) fn share_found(&self, reason: Reason) -> f64 {
        let (found, all) = self.found[reason as usize];
        f64::from(found) / f64::from(all.max(1))
    }

    fn keys(&self) -> f64 {
        f64::from(u32::try_from(self.false_alarms.len()).unwrap())
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} keys: {:.3} false alarms a key and year (at most {}, {:.1} % of the keys above 1",
            self.false_alarms.len(),
            self.false_alarms_a_key(),
            self.false_alarms.iter().max().copied().unwrap_or(0),
            100.0 * self.share_above_one()
        )?;
        for reason in Reason::ALL {
            write!(f, ", {} {}", reason.as_str(), self.by_reason[reason as usize])?;
        }
        write!(f, "), {} stops; found", self.stops)?;
        for reason in Reason::ALL {
            let (found, all) = self.found[reason as usize];
            write!(f, " {}: {found}/{all} = {:.1} %;", reason.as_str(), 100.0 * self.share_found(reason))?;
        }
        Ok(())
    }
}

/// Judges the ordinary years of these keys of a seed: every hour of them.
pub(crate) fn ordinary_years(seed: u64, numbers: impl IntoIterator<Item = u32>, judgement: &mut Judgement) {
    for number in numbers {
        judge_ordinary(&SimulatedKey::ordinary(seed, number), judgement);
    }
}

/// Judges the incidents of these keys of a seed, and no other hours.
pub(crate) fn incidents(seed: u64, numbers: impl IntoIterator<Item = u32>, judgement: &mut Judgement) {
    for number in numbers {
        let key = SimulatedKey::troubled(seed, number);
        let (counts, strangers) = (counts(&key), strangers(&key));
        for trouble in &key.troubles {
            let (reason, within) = expected(trouble);
            let mut hours = trouble.hour..trouble.hour + within;
            let found = match reason {
                Reason::NewNetwork => strangers.contains(&trouble.hour),
                _ => hours.any(|hour| judge_hour(&key, &counts, hour).contains(&reason)),
            };
            let (of_reason, all) = &mut judgement.found[reason as usize];
            *of_reason += u32::from(found);
            *all += 1;
        }
    }
}

fn counts(key: &SimulatedKey) -> Vec<HourCounts> {
    let counts = |hour: &Hour| HourCounts { accepted: u64::from(hour.accepted), refused: u64::from(hour.refused) };
    key.hours.iter().map(counts).collect()
}

fn judge_hour(key: &SimulatedKey, counts: &[HourCounts], hour: usize) -> Vec<Reason> {
    let from = key.born.max((hour + 1).saturating_sub(HOURS_READ));
    // As the job does, which reads the other weeks of few keys.
    let week_before = hour.checked_sub(7 * 24).map_or_else(HourCounts::default, |before| counts[before]);
    let is_worth_it = |reason: &Reason| *reason == Reason::Drop || may_be_unusual(counts[hour], week_before);
    let found = judge(&counts[from..=hour], Progress::Over).into_iter().map(|anomaly| anomaly.reason);
    found.filter(is_worth_it).collect()
}

/// Returns the hours in which a network is an anomaly.
fn strangers(key: &SimulatedKey) -> Vec<usize> {
    let mut of_days: Vec<_> = key.networks.iter().map(|(hour, network)| (hour / 24, *network, *hour)).collect();
    of_days.sort_unstable();
    of_days.dedup_by_key(|(day, network, _)| (*day, *network));
    let mut sightings: Vec<_> = of_days.into_iter().map(|(_, network, hour)| (hour, network)).collect();
    sightings.sort_unstable();
    let mut known = KnownNetworks::default();
    let is_strange = |(hour, network): &(usize, u32)| known.observe(&network.to_string(), instant(*hour));
    sightings.into_iter().filter(is_strange).map(|(hour, _)| hour).filter(|hour| *hour >= WARM_UP).collect()
}

fn instant(hour: usize) -> Timestamp {
    Timestamp::from_millis(0).plus_millis((FIRST_HOUR + u64::try_from(hour).unwrap()) * HOUR_MS)
}

/// Counts one alarm a day and reason, as there is one event.
fn judge_ordinary(key: &SimulatedKey, judgement: &mut Judgement) {
    let counts = counts(key);
    let of_hour = |hour| judge_hour(key, &counts, hour).into_iter().map(move |reason| (hour, reason));
    let mut alarms: Vec<_> = (key.born.max(WARM_UP)..HOURS).flat_map(of_hour).collect();
    alarms.extend(strangers(key).into_iter().map(|hour| (hour, Reason::NewNetwork)));
    alarms.sort_unstable();
    let mut days = BTreeSet::new();
    let (mut of_this_key, mut has_stopped) = (0, false);
    for (hour, reason) in alarms {
        if !days.insert((hour / 24, reason)) {
            continue;
        }
        let is_after_the_end = key.stopped.is_some_and(|last| hour > last);
        if reason == Reason::Drop && is_after_the_end && !has_stopped {
            has_stopped = true;
            judgement.stops += 1;
        } else {
            of_this_key += 1;
            judgement.by_reason[reason as usize] += 1;
        }
    }
    judgement.false_alarms.push(of_this_key);
}

/// Returns the reason by which a trouble is to be found, and the hours within which it is.
fn expected(trouble: &Trouble) -> (Reason, usize) {
    match trouble.kind {
        TroubleKind::Spike => (Reason::Spike, 1),
        TroubleKind::Drop => (Reason::Drop, 3),
        TroubleKind::Refusals => (Reason::Refusals, 1),
        TroubleKind::NewNetwork => (Reason::NewNetwork, 1),
    }
}
