use crate::calendar::{Calendar, HOURS};
use crate::dice::Dice;
use crate::habit::{Habit, Rhythm};
use crate::life::Life;
use crate::networks::Networks;
use crate::trouble::{self, Trouble};

/// The calls of a key in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hour {
    /// Calls that were accepted.
    pub accepted: u32,
    /// Calls that were refused.
    pub refused: u32,
}

/// A key with its calls in every hour of a simulation.
#[derive(Debug, Clone)]
pub struct SimulatedKey {
    /// The key's rhythm.
    pub habit: Habit,
    /// The hour in which the key was made, as an index into `hours`.
    pub born: usize,
    /// The hour in which the key was used for the last time, if it ends within the simulation.
    pub stopped: Option<usize>,
    /// True if the end comes within an hour, and not over weeks.
    pub stops_at_once: bool,
    /// The calls of each hour, [`HOURS`] of them.
    pub hours: Vec<Hour>,
    /// The accepted calls to be expected in each hour, before noise.
    pub expected: Vec<f64>,
    /// The networks that calls come from: hour and network, in order of the hours except for troubles at the end.
    ///
    /// An hour with calls has one to three of them.
    pub networks: Vec<(usize, u32)>,
    /// The incidents, in no order.
    pub troubles: Vec<Trouble>,
    pub(crate) hourly_noise: f64,
}

impl SimulatedKey {
    /// Simulates a key of ordinary life: everything that a detector reports about it is a false alarm, except that a
    /// key stops.
    pub fn ordinary(seed: u64, number: u32) -> Self {
        let mut dice = Dice::new(seed, number, 0);
        let (rhythm, life) = (Rhythm::new(&mut dice), Life::new(&mut dice));
        let calendar = Calendar::new(seed, &mut dice);
        let noise = Noise::new(&mut dice, rhythm.habit);
        let refused_share = if dice.chance(0.02) { dice.between(1.0, 3.0) } else { dice.magnitude(0.000_1, 0.05) };
        let networks = Networks::new(&mut dice);

        let mut expected = Vec::with_capacity(HOURS);
        let mut hours = Vec::with_capacity(HOURS);
        let mut sightings = Vec::new();
        let mut dice = Dice::new(seed, number, 1);
        let (mut day_factor, mut is_skipped) = (1.0, false);
        for index in 0..HOURS {
            if index % 24 == 0 {
                day_factor = dice.factor(noise.daily);
                is_skipped = dice.chance(noise.skipped_days);
            }
            let mean = if is_skipped { 0.0 } else { rhythm.rate(calendar.at(index)) * life.level(index) };
            expected.push(mean);
            let mean = mean * day_factor * dice.factor(noise.hourly) * noise.clump(&mut dice);
            let accepted = dice.count(mean);
            let refused_mean = mean * refused_share * dice.factor(0.5);
            let refused = dice.count(refused_mean);
            hours.push(Hour { accepted, refused });
            for _ in 0..accepted.min(3) {
                sightings.push((index, networks.draw(index, &mut dice)));
            }
        }
        Self {
            habit: rhythm.habit,
            born: life.born,
            stopped: life.stopped,
            stops_at_once: life.fade == 0,
            hours,
            expected,
            networks: sightings,
            troubles: Vec::new(),
            hourly_noise: noise.hourly,
        }
    }

    /// Simulates the same key with incidents: 10x spikes, a drop, a storm of refusals, a stranger's network.
    pub fn troubled(seed: u64, number: u32) -> Self {
        let mut key = Self::ordinary(seed, number);
        let mut dice = Dice::new(seed, number, 2);
        key.troubles = trouble::pick(&key, &mut dice);
        for trouble in key.troubles.clone() {
            trouble::inflict(&mut key, trouble, &mut dice);
        }
        key
    }
}

/// The irregularity of a key.
#[derive(Debug, Clone, Copy)]
struct Noise {
    hourly: f64,
    daily: f64,
    /// The share of days on which nothing comes, such as a job that did not run.
    skipped_days: f64,
    /// The share of hours in which the calls of a quiet key come together; 1 = they come evenly.
    clumped: f64,
}

impl Noise {
    fn new(dice: &mut Dice, habit: Habit) -> Self {
        let is_job = matches!(habit, Habit::Nightly | Habit::Weekly | Habit::Monthly);
        Self {
            hourly: dice.magnitude(0.05, 0.4),
            daily: dice.magnitude(0.03, 0.2),
            skipped_days: if is_job && dice.chance(0.5) { dice.between(0.0, 0.03) } else { 0.0 },
            clumped: if habit == Habit::Quiet { dice.magnitude(0.02, 1.0) } else { 1.0 },
        }
    }

    /// Returns the factor that gathers calls in few hours.
    fn clump(self, dice: &mut Dice) -> f64 {
        if self.clumped >= 1.0 || dice.chance(self.clumped) { 1.0 / self.clumped } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::trouble::TroubleKind;

    const SEED: u64 = 3;

    #[test]
    fn a_seed_and_a_number_make_the_same_key_each_time() {
        let [first, again, other] = [5, 5, 6].map(|number| SimulatedKey::ordinary(SEED, number));
        assert_eq!((first.hours.len(), &first.hours), (HOURS, &again.hours));
        assert_eq!(first.networks, again.networks);
        assert_ne!(first.hours, other.hours);
        assert_ne!(first.hours, SimulatedKey::ordinary(SEED + 1, 5).hours);
    }

    #[test]
    fn a_sample_has_every_habit_keys_that_begin_and_keys_that_end() {
        let keys: Vec<_> = (0..150).map(|number| SimulatedKey::ordinary(SEED, number)).collect();
        assert_eq!(keys.iter().map(|key| key.habit).collect::<HashSet<_>>().len(), 7);
        assert!(keys.iter().any(|key| key.born > 0) && keys.iter().any(|key| key.stopped.is_some()));
        for key in &keys {
            assert!(key.hours[..key.born].iter().all(|hour| *hour == Hour::default()));
            let after = key.stopped.map_or(HOURS, |last| last + 1);
            assert!(key.hours[after..].iter().all(|hour| *hour == Hour::default()));
        }
    }

    #[test]
    fn people_at_work_call_by_day_and_on_weekdays() {
        let numbers = 0..60;
        let keys = numbers.map(|number| SimulatedKey::ordinary(SEED, number));
        let busy = keys.filter(|key| key.habit == Habit::Office && key.born == 0 && key.stopped.is_none());
        let mut seen = 0;
        for key in busy {
            let of_weekday = |days: std::ops::Range<usize>| -> f64 {
                let hours = (0..HOURS).filter(|index| days.contains(&(index / 24 % 7)));
                hours.map(|index| key.expected[index]).sum::<f64>() / days.len() as f64
            };
            assert!(of_weekday(1..4) > 1.5 * of_weekday(5..7), "weekends are quieter");
            seen += 1;
        }
        assert!(seen > 5);
    }

    #[test]
    fn troubles_change_their_own_hours_alone_and_by_what_they_say() {
        let mut kinds = HashSet::new();
        let (mut calls, mut expected) = (0.0, 0.0);
        for number in 0..60 {
            let (ordinary, troubled) = (SimulatedKey::ordinary(SEED, number), SimulatedKey::troubled(SEED, number));
            assert!(ordinary.troubles.is_empty());
            let within = |index: usize| troubled.troubles.iter().any(|t| (t.hour..t.hour + t.hours).contains(&index));
            for index in (0..HOURS).filter(|index| !within(*index)) {
                assert_eq!(ordinary.hours[index], troubled.hours[index]);
            }
            for trouble in &troubled.troubles {
                kinds.insert(trouble.kind);
                let hour = troubled.hours[trouble.hour];
                match trouble.kind {
                    TroubleKind::Spike => {
                        calls += f64::from(hour.accepted);
                        expected += troubled.expected[trouble.hour];
                    }
                    TroubleKind::Drop => assert_eq!(hour.accepted, 0),
                    TroubleKind::Refusals => assert!(hour.refused > 100),
                    TroubleKind::NewNetwork => assert!(!ordinary.networks.iter().any(|(_, n)| *n == u32::MAX)),
                }
            }
        }
        assert_eq!(kinds.len(), 4);
        let factor = calls / expected;
        assert!((8.0..13.0).contains(&factor), "{factor}");
    }
}
