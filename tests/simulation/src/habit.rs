use crate::calendar::LocalHour;
use crate::dice::Dice;

/// The rhythm in which a key's calls come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Habit {
    /// People at work: weekdays from eight to six, little at night and at weekends.
    Office,
    /// People at leisure: every day, most in the evening.
    Leisure,
    /// A machine that polls at a steady rate.
    Steady,
    /// A job of every night.
    Nightly,
    /// A job of one night a week.
    Weekly,
    /// A job on the first of each month.
    Monthly,
    /// A few calls now and then.
    Quiet,
}

/// A key's rhythm with its own numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rhythm {
    pub(crate) habit: Habit,
    /// The mean calls in an hour in which calls come.
    volume: f64,
    /// The share of the volume at night, of a person's key.
    night: f64,
    /// The share of the volume at the weekend.
    weekend: f64,
    /// The hour in which a job begins.
    job_hour: usize,
    /// The day of the week of a weekly job.
    job_weekday: usize,
    /// The share of a job's calls that come in the hour after the one that it begins in.
    job_tail: f64,
}

impl Rhythm {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        const MIX: [(Habit, f64); 7] = [
            (Habit::Office, 0.30),
            (Habit::Leisure, 0.20),
            (Habit::Steady, 0.15),
            (Habit::Nightly, 0.12),
            (Habit::Weekly, 0.03),
            (Habit::Monthly, 0.03),
            (Habit::Quiet, 0.17),
        ];
        let mut drawn = dice.unit();
        let chosen = MIX.iter().find(|(_, share)| {
            drawn -= share;
            drawn < 0.0
        });
        let habit = chosen.map_or(Habit::Quiet, |(habit, _)| *habit);
        let volume = match habit {
            Habit::Quiet => dice.magnitude(0.005, 2.0),
            Habit::Nightly | Habit::Weekly | Habit::Monthly => dice.magnitude(50.0, 50_000.0),
            Habit::Office | Habit::Leisure | Habit::Steady => dice.magnitude(2.0, 20_000.0),
        };
        Self {
            habit,
            volume,
            night: dice.magnitude(0.02, 0.2),
            weekend: if habit == Habit::Leisure { dice.between(0.8, 1.5) } else { dice.magnitude(0.03, 0.4) },
            job_hour: dice.index(24),
            job_weekday: dice.index(7),
            job_tail: if dice.chance(0.5) { 0.0 } else { dice.between(0.0, 0.6) },
        }
    }

    /// Returns the calls to be expected in an hour, without growth and noise.
    pub(crate) fn rate(&self, at: LocalHour) -> f64 {
        let is_weekend = at.weekday >= 5;
        let week = if is_weekend { self.weekend } else { 1.0 };
        let share = match self.habit {
            Habit::Office => {
                let holiday = if at.is_holiday { 0.3 } else { 1.0 };
                week * holiday * self.day(at.hour, 8.0, 18.0)
            }
            Habit::Leisure => week * self.day(at.hour, 15.0, 24.0),
            Habit::Steady | Habit::Quiet => 1.0,
            Habit::Nightly => self.job(at.hour),
            Habit::Weekly if at.weekday == self.job_weekday => self.job(at.hour),
            Habit::Monthly if at.is_first_of_month => self.job(at.hour),
            Habit::Weekly | Habit::Monthly => 0.0,
        };
        self.volume * share
    }

    /// Returns the share of the volume at an hour of the day, with a slope of about two hours at both ends.
    fn day(&self, hour: usize, from: f64, to: f64) -> f64 {
        let hour = hour as f64 + 0.5;
        let rising = 1.0 / (1.0 + (-(hour - from) * 2.0).exp());
        let falling = 1.0 / (1.0 + ((hour - to) * 2.0).exp());
        self.night + (1.0 - self.night) * rising * falling
    }

    fn job(&self, hour: usize) -> f64 {
        if hour == self.job_hour {
            1.0 - self.job_tail
        } else if hour == (self.job_hour + 1) % 24 {
            self.job_tail
        } else {
            0.0
        }
    }
}
