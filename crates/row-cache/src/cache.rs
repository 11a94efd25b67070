use std::fmt;
use std::hash::BuildHasher as _;

use hashlink::{DefaultHashBuilder, LruCache};
use keymint_domain::key::StoredKey;

use crate::doorkeeper::Doorkeeper;
use crate::hit_rate::HitRate;

/// Rows that are remembered at most. One takes nearly a kilobyte.
pub(crate) const CAPACITY: usize = 16_384;

/// Rows by the text that their key is kept under. The one that was not used for longest gives way to a new one.
pub struct RowCache<T> {
    rows: LruCache<StoredKey, T>,
    hasher: DefaultHashBuilder,
    doorkeeper: Doorkeeper,
    hit_rate: HitRate,
}

impl<T> RowCache<T> {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { rows: LruCache::new(CAPACITY), hasher, doorkeeper: Doorkeeper::new(), hit_rate: HitRate::default() }
    }

    /// The row that is remembered under that text. It is in use.
    pub fn get(&mut self, stored: &StoredKey) -> Option<&T> {
        let row = self.rows.get(stored);
        self.hit_rate.count(row.is_some());
        row
    }

    /// The row that is remembered under that text, to be changed.
    pub fn get_mut(&mut self, stored: &StoredKey) -> Option<&mut T> {
        self.rows.peek_mut(stored)
    }

    /// Takes out the row that is remembered under that text. Whoever keeps it again soon has it remembered.
    pub fn take(&mut self, stored: &StoredKey) -> Option<T> {
        let row = self.rows.remove(stored);
        self.hit_rate.count(row.is_some());
        if row.is_some() {
            self.was_here(stored);
        }
        row
    }

    /// Remembers a row. Where hardly any that is looked for is remembered, a row is so only if its key was in use lately,
    /// too: of millions that are used at random none is back in time, and they would drive out those that are. An older
    /// row of the key is forgotten in any case.
    ///
    /// `row` is asked for where it is remembered.
    pub fn keep(&mut self, stored: &StoredKey, row: impl FnOnce() -> T) {
        if self.was_here(stored) || self.hit_rate.pays() {
            self.rows.insert(stored.clone(), row());
        } else {
            self.forget(stored);
        }
    }

    /// Forgets the row that is remembered under that text.
    pub fn forget(&mut self, stored: &StoredKey) {
        self.rows.remove(stored);
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    fn was_here(&mut self, stored: &StoredKey) -> bool {
        self.doorkeeper.knows(self.hasher.hash_one(stored))
    }
}

impl<T> Default for RowCache<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for RowCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowCache").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(number: usize) -> StoredKey {
        StoredKey::from_stored(number.to_string())
    }

    /// A cache in which many were looked for, and none found.
    fn missed() -> RowCache<usize> {
        let mut rows = RowCache::new();
        for number in 0..CAPACITY {
            assert_eq!(rows.get(&stored(number)), None);
        }
        rows
    }

    #[test]
    fn a_row_that_is_kept_is_there_until_it_is_taken_or_forgotten() {
        let mut rows = RowCache::new();
        rows.keep(&stored(1), || "first");
        *rows.get_mut(&stored(1)).unwrap() = "changed";
        assert_eq!(rows.take(&stored(1)), Some("changed"));
        assert_eq!(rows.get(&stored(1)), None);
        rows.keep(&stored(1), || "again");
        rows.keep(&stored(1), || "anew");
        assert_eq!(rows.get(&stored(1)), Some(&"anew"));
        rows.forget(&stored(1));
        assert_eq!(rows.get(&stored(1)), None);
        rows.keep(&stored(1), || "once more");
        rows.clear();
        assert_eq!(rows.get(&stored(1)), None);
    }

    #[test]
    fn where_most_are_missed_a_row_is_remembered_from_its_second_use_on() {
        let mut rows = missed();
        rows.keep(&stored(1), || panic!("nobody needs it"));
        assert_eq!(rows.get(&stored(1)), None);
        rows.keep(&stored(1), || 1);
        assert_eq!(rows.get(&stored(1)), Some(&1));
        assert_eq!(rows.take(&stored(1)), Some(1));
        rows.keep(&stored(1), || 2);
        assert_eq!(rows.get(&stored(1)), Some(&2), "one that is taken out for a moment stays");
    }

    #[test]
    fn keys_that_do_not_come_back_are_not_remembered() {
        let mut rows = missed();
        for number in 0..50 * CAPACITY {
            rows.keep(&stored(number), || number);
        }
        // Two keys are taken for one another where place and part agree.
        assert!(rows.rows.len() < 10, "{rows:?}");
    }

    #[test]
    fn a_row_that_is_not_remembered_leaves_no_older_one_in_its_place() {
        let mut rows = missed();
        (0..2).for_each(|_| rows.keep(&stored(1), || 1));
        assert_eq!(rows.get(&stored(1)), Some(&1));
        for number in CAPACITY..50 * CAPACITY {
            rows.keep(&stored(number), || number);
        }
        rows.keep(&stored(1), || 2);
        assert_eq!(rows.get(&stored(1)), None);
    }

    #[test]
    fn the_row_that_was_not_used_for_longest_gives_way() {
        let mut rows = RowCache::new();
        for number in 0..=CAPACITY {
            rows.keep(&stored(number), || number);
        }
        assert_eq!(rows.rows.len(), CAPACITY);
        assert_eq!(rows.get(&stored(0)), None);
        assert_eq!(rows.get(&stored(1)), Some(&1));
    }
}
