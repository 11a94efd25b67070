use crate::calendar::HOURS;
use crate::dice::Dice;
use crate::key::SimulatedKey;

/// The hours of a key's life before the first trouble. No detector can judge a key that it does not know.
pub const KNOWN_AFTER: usize = 35 * 24;
/// The calls that must be expected in an hour for a spike or a drop to begin there. Ten times fewer calls harm nobody.
pub const WORTH: f64 = 20.0;
/// The least hours between the beginnings of two troubles.
const APART: usize = 14 * 24;

/// An incident that a detector is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// The kind of incident.
    pub kind: TroubleKind,
    /// The first hour, as an index into the key's hours.
    pub hour: usize,
    /// The number of hours.
    pub hours: usize,
}

/// The kinds of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// Ten times the calls to be expected.
    Spike,
    /// No calls although many are to be expected.
    Drop,
    /// Many refused calls.
    Refusals,
    /// Calls from a network that never called before.
    NewNetwork,
}

/// Picks up to four spikes, a drop, a storm of refusals and a stranger for a key, at random times of its life.
pub(crate) fn pick(key: &SimulatedKey, dice: &mut Dice) -> Vec<Trouble> {
    use TroubleKind::{Drop, NewNetwork, Refusals, Spike};
    let mut troubles: Vec<Trouble> = Vec::new();
    let (from, to) = (key.born + KNOWN_AFTER, key.stopped.unwrap_or(HOURS - 1));
    if to <= from {
        return troubles;
    }
    for kind in [Spike, Spike, Spike, Spike, Drop, Refusals, NewNetwork] {
        let is_fit = |hour: usize| match kind {
            Spike => key.expected[hour] >= WORTH,
            Drop => (hour..hour + 3).all(|hour| key.expected.get(hour).is_some_and(|calls| *calls >= 2.0 * WORTH)),
            Refusals => key.expected[hour] > 0.0,
            NewNetwork => key.hours[hour].accepted > 0,
        };
        // Keys with few busy hours need many tries; those with none get no trouble of the kind.
        let found = (0..400).find_map(|_| {
            let hour = from + dice.index(to - from);
            let is_apart = troubles.iter().all(|other| other.hour.abs_diff(hour) >= APART);
            (is_apart && is_fit(hour)).then_some(hour)
        });
        let hours = match kind {
            Spike => 1 + dice.index(3),
            Drop => 6 + dice.index(43),
            Refusals => 1 + dice.index(4),
            NewNetwork => 1,
        };
        troubles.extend(found.map(|hour| Trouble { kind, hour, hours: hours.min(to - hour + 1) }));
    }
    troubles
}

/// Changes the hours of a key as a trouble does.
pub(crate) fn inflict(key: &mut SimulatedKey, trouble: Trouble, dice: &mut Dice) {
    for index in trouble.hour..(trouble.hour + trouble.hours).min(HOURS) {
        let expected = key.expected[index];
        let hour = &mut key.hours[index];
        match trouble.kind {
            TroubleKind::Spike => {
                let mean = 10.0 * expected * dice.factor(key.hourly_noise);
                hour.accepted = dice.count(mean);
            }
            TroubleKind::Drop => hour.accepted = 0,
            TroubleKind::Refusals => hour.refused += dice.count((3.0 * expected).max(200.0)),
            // No other key's and no other year's network is this one.
            TroubleKind::NewNetwork => key.networks.push((index, u32::MAX)),
        }
    }
}
