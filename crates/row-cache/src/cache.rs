use std::fmt;
use std::hash::BuildHasher as _;

use hashlink::{DefaultHashBuilder, LruCache};
use keymint_domain::key::StoredKey;

use crate::doorkeeper::Doorkeeper;

/// Rows that are remembered at most. One takes about a kilobyte.
pub const CAPACITY: usize = 16_384;

/// Rows by the text that their key is kept under. The one that was not used for longest gives way to a new one.
pub struct RowCache<T> {
    rows: LruCache<StoredKey, T>,
    hasher: DefaultHashBuilder,
    doorkeeper: Doorkeeper,
}

impl<T> RowCache<T> {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { rows: LruCache::new(CAPACITY), hasher, doorkeeper: Doorkeeper::new() }
    }

    /// The row that is remembered under that text. It is in use.
    pub fn get(&mut self, stored: &StoredKey) -> Option<&T> {
        self.rows.get(stored)
    }

    /// The row that is remembered under that text, to be changed.
    pub fn get_mut(&mut self, stored: &StoredKey) -> Option<&mut T> {
        self.rows.peek_mut(stored)
    }

    /// Takes out the row that is remembered under that text. Whoever keeps it again soon has it remembered.
    pub fn take(&mut self, stored: &StoredKey) -> Option<T> {
        let row = self.rows.remove(stored)?;
        self.was_here(stored);
        Some(row)
    }

    /// Remembers a row. Where there is no room it is remembered only if its key was in use lately, too: many that are used
    /// at random would otherwise drive out those that are used again and again, and none of them would be back in time.
    ///
    /// `row` is asked for where it is remembered.
    pub fn keep(&mut self, stored: &StoredKey, row: impl FnOnce() -> T) {
        if self.was_here(stored) || self.rows.len() < self.rows.capacity() {
            self.rows.insert(stored.clone(), row());
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

    /// A cache that is full of rows with other numbers, from `CAPACITY` on.
    fn full() -> RowCache<usize> {
        let mut rows = RowCache::new();
        for number in CAPACITY..2 * CAPACITY {
            rows.keep(&stored(number), || number);
            assert_eq!(rows.get(&stored(number)), Some(&number), "there is room");
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
    fn where_there_is_no_room_a_row_is_kept_from_its_second_use_on_in_place_of_the_one_that_was_not_used_for_longest() {
        let mut rows = full();
        rows.keep(&stored(1), || panic!("nobody needs it"));
        assert_eq!(rows.get(&stored(1)), None);
        rows.keep(&stored(1), || 1);
        assert_eq!(rows.get(&stored(1)), Some(&1));
        assert_eq!(rows.get(&stored(CAPACITY)), None);
        assert!(rows.get(&stored(CAPACITY + 1)).is_some());
    }

    #[test]
    fn keys_that_do_not_come_back_leave_the_rows_of_those_that_do() {
        let mut rows = full();
        for number in 2 * CAPACITY..100 * CAPACITY {
            rows.keep(&stored(number), || number);
        }
        // Two keys are taken for one another where six bytes of their hashes agree.
        let left = (CAPACITY..2 * CAPACITY).filter(|number| rows.get(&stored(*number)).is_some()).count();
        assert!(left > CAPACITY - 10, "{left}");
    }

    #[test]
    fn a_row_that_was_taken_out_is_kept_again_even_where_others_have_come_meanwhile() {
        let mut rows = full();
        let row = rows.take(&stored(CAPACITY)).unwrap();
        rows.keep(&stored(1), || 1);
        rows.keep(&stored(CAPACITY), || row);
        assert_eq!(rows.get(&stored(CAPACITY)), Some(&CAPACITY));
    }
}
