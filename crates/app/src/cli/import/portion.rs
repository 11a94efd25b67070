use std::time::Duration;

/// The keys of the first transaction, and of a portion that is only looked up.
pub(super) const FIRST: usize = 500;

/// The most keys of one transaction: the others of a statement's batch gain little, and memory holds them all.
const MOST: usize = 8000;

/// The time that a transaction may take. On SQLite verifications wait for its end.
const AIM: Duration = Duration::from_millis(250);

/// The number of keys in the next transaction.
///
/// Large portions are cheaper: keys of one transaction share the pages that it writes. The number follows the time that
/// the last one took, since machines and databases differ by more than ten times.
#[derive(Debug)]
pub(super) struct Portion(usize);

impl Default for Portion {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Portion {
    /// Returns the number of keys.
    pub(super) fn keys(&self) -> usize {
        self.0
    }

    /// Takes note of the time that a whole portion has taken.
    pub(super) fn took(&mut self, time: Duration) {
        if time > AIM {
            self.0 = (self.0 / 2).max(FIRST);
        } else if time < AIM / 2 {
            self.0 = (self.0 * 2).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_database_gets_more_keys_at_once_and_a_slow_one_fewer() {
        let mut portion = Portion::default();
        let mut after = |ms| {
            portion.took(Duration::from_millis(ms));
            portion.keys()
        };
        assert_eq!([after(60), after(124), after(125), after(250), after(251)], [1000, 2000, 2000, 2000, 1000]);
        assert_eq!([after(1000), after(1000)], [500, 500], "never fewer than at first");
        assert_eq!([1, 1, 1, 1, 1].map(&mut after), [1000, 2000, 4000, 8000, 8000]);
    }
}
