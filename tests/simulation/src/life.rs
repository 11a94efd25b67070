use crate::calendar::{HOURS, WARM_UP};
use crate::dice::Dice;

/// The long-term course of a key: its beginning, growth, and end.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) born: usize,
    /// Hours until a new key has its full volume.
    ramp: f64,
    /// The factor by which the volume grows over a year.
    growth: f64,
    /// An hour from which the volume is another one for good, and the factor.
    step: Option<(usize, f64)>,
    /// The hour in which the last call comes.
    pub(crate) stopped: Option<usize>,
    /// The hours over which a key that ends fades away; 0 = it stops at once.
    pub(crate) fade: usize,
    /// Busy spans that are part of ordinary life: first hour, hours, factor.
    bursts: Vec<(usize, usize, f64)>,
    /// Hours without calls that are part of ordinary life, such as the client's deployment.
    gaps: Vec<usize>,
}

impl Life {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let is_new = dice.chance(0.25);
        let born = if is_new { WARM_UP + dice.index(HOURS - WARM_UP) } else { 0 };
        let ramp = if is_new { dice.between(0.0, 42.0 * 24.0) } else { 0.0 };
        let growth = (0.3 + 0.5 * dice.normal()).exp();
        let step = dice.chance(0.15).then(|| (dice.index(HOURS), dice.magnitude(0.4, 2.5)));
        let ends = dice.chance(0.15) && born + 24 < HOURS;
        let last = born.max(WARM_UP) + dice.index((HOURS - born.max(WARM_UP)).max(1));
        let fade = if dice.chance(0.33) { 24 * (14 + dice.index(42)) } else { 0 };
        let bursts = if dice.chance(0.3) { dice.count(6.0) } else { 0 };
        let bursts = (0..bursts).map(|_| (dice.index(HOURS), 1 + dice.index(6), dice.between(1.5, 4.0))).collect();
        let gaps = dice.count(1.5);
        let gaps = (0..gaps).map(|_| dice.index(HOURS)).collect();
        Self { born, ramp, growth, step, stopped: ends.then_some(last), fade, bursts, gaps }
    }

    /// Returns the factor of the volume at an hour.
    pub(crate) fn level(&self, index: usize) -> f64 {
        if index < self.born || self.stopped.is_some_and(|last| index > last) || self.gaps.contains(&index) {
            return 0.0;
        }
        let mut level = self.growth.powf(index as f64 / (365.0 * 24.0));
        let age = (index - self.born) as f64;
        if age < self.ramp {
            level *= 0.05 + 0.95 * age / self.ramp;
        }
        if let Some(last) = self.stopped
            && self.fade > 0
        {
            level *= ((last - index) as f64 / self.fade as f64).min(1.0);
        }
        if let Some((from, factor)) = self.step
            && index >= from
        {
            level *= factor;
        }
        for (from, hours, factor) in &self.bursts {
            if (*from..from + hours).contains(&index) {
                level *= factor;
            }
        }
        level
    }
}
