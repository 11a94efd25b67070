use crate::dice::Dice;

/// The hour at which the simulation begins, counted from 1970: Monday 2024-12-02, 00:00 UTC.
pub const FIRST_HOUR: u64 = 20_059 * 24;
/// The hours before the year that is judged. They give the first of its hours a past.
pub const WARM_UP: usize = 35 * 24;
/// All hours of a simulation: the warm-up and 365 days.
pub const HOURS: usize = WARM_UP + 365 * 24;

/// The first days of months, counted from the first day of the simulation.
const MONTHS: [usize; 12] = [30, 61, 89, 120, 150, 181, 211, 242, 273, 303, 334, 364];
/// The days of which clocks are an hour ahead, where people change them.
const SUMMER: std::ops::Range<usize> = 118..328;

/// A place's clock and free days.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    /// Hours ahead of UTC, from 0 to 23.
    offset: usize,
    changes_clocks: bool,
    /// The days on which offices are closed or half empty.
    holidays: Vec<usize>,
}

/// An hour as the people at a place see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalHour {
    pub(crate) hour: usize,
    /// 0 = Monday.
    pub(crate) weekday: usize,
    pub(crate) is_holiday: bool,
    pub(crate) is_first_of_month: bool,
}

impl Calendar {
    /// Returns the calendar of a key: clocks differ from key to key, holidays by seed alone.
    pub(crate) fn new(seed: u64, dice: &mut Dice) -> Self {
        let mut common = Dice::new(seed, 0, 100);
        let holidays = (0..12).map(|_| common.index(HOURS / 24)).collect();
        Self { offset: dice.index(24), changes_clocks: dice.chance(0.5), holidays }
    }

    pub(crate) fn at(&self, index: usize) -> LocalHour {
        let summer = self.changes_clocks && SUMMER.contains(&(index / 24));
        let local = index + self.offset + usize::from(summer);
        let day = local / 24;
        LocalHour {
            hour: local % 24,
            weekday: day % 7,
            is_holiday: self.holidays.contains(&day),
            is_first_of_month: MONTHS.contains(&day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulation_begins_on_a_monday_and_knows_its_months() {
        // 1970 began on a Thursday.
        assert_eq!((FIRST_HOUR / 24 + 3) % 7, 0);
        let calendar = Calendar { offset: 0, changes_clocks: true, holidays: vec![31] };
        let hour = calendar.at(31 * 24 + 5);
        assert_eq!((hour.hour, hour.weekday), (5, 3));
        assert!(hour.is_holiday && !hour.is_first_of_month);
        assert!(calendar.at(30 * 24).is_first_of_month, "2025-01-01");
        assert_eq!(calendar.at(200 * 24).hour, 1, "summer");
        assert_eq!(calendar.at(340 * 24).hour, 0, "winter");
    }
}
