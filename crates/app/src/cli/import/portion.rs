use std::time::Duration;

/// The keys of the first transaction, and of a portion that is only looked up.
pub(super) const FIRST: usize = 500;

/// The most keys of one transaction: the others of a statement's batch gain little, and memory holds them all.
const MOST: usize = 8000;

/// The time that a transaction may take. On SQLite verifications wait for its end.
const AIM: Duration = Duration::from_millis(250);

/// The same if nobody waits. Of a million keys, so many write most pages of an index once, instead of each page many times.
const MOST_OFFLINE: usize = 50_000;
const AIM_OFFLINE: Duration = Duration::from_secs(10);

/// The number of keys in the next transaction.
///
/// Large portions are cheaper: keys of one transaction share the pages that it writes. The number follows the time that
/// the last one took, since machines and databases differ by more than ten times.
#[derive(Debug)]
pub(super) struct Portion {
    keys: usize,
    most: usize,
    aim: Duration,
}

impl Portion {
    /// Begins with few keys. `offline` says that nobody waits for the end of a transaction.
    pub(super) fn new(offline: bool) -> Self {
        let (most, aim) = if offline { (MOST_OFFLINE, AIM_OFFLINE) } else { (MOST, AIM) };
        Self { keys: FIRST, most, aim }
    }

    /// Returns the number of keys.
    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    /// Takes note of the time that a whole portion has taken.
    pub(super) fn took(&mut self, time: Duration) {
        if time > self.aim {
            self.keys = (self.keys / 2).max(FIRST);
        } else if time < self.aim / 2 {
            self.keys = (self.keys * 2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_database_gets_more_keys_at_once_and_a_slow_one_fewer() {
        let mut portion = Portion::new(false);
        let mut after = |ms| {
            portion.took(Duration::from_millis(ms));
            portion.keys()
        };
        assert_eq!([after(60), after(124), after(125), after(250), after(251)], [1000, 2000, 2000, 2000, 1000]);
        assert_eq!([after(1000), after(1000)], [500, 500], "never fewer than at first");
        assert_eq!([1, 1, 1, 1, 1].map(&mut after), [1000, 2000, 4000, 8000, 8000]);
    }
    #[test]
    fn of_a_database_that_nobody_else_uses_a_portion_may_take_seconds() {
        let mut portion = Portion::new(true);
        for keys in [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 50_000, 50_000] {
            assert_eq!(portion.keys(), keys);
            portion.took(Duration::from_secs(4));
        }
        portion.took(Duration::from_millis(10_001));
        assert_eq!(portion.keys(), 25_000);
    }
}
