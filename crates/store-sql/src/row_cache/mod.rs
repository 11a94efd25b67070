mod doorkeeper;
mod hit_rate;

use std::fmt;
use std::hash::BuildHasher as _;

use hashlink::{DefaultHashBuilder, LruCache};
use keymint_domain::key::StoredKey;

use self::doorkeeper::Doorkeeper;
use self::hit_rate::HitRate;

/// The maximum number of rows. One takes nearly a kilobyte.
const CAPACITY: usize = 16_384;

/// The maximum number of bytes, about: room for as many rows of a kilobyte.
const MAX_BYTES: usize = CAPACITY * 1024;

/// A cache of rows by the text that their key is kept under, bounded by their number and their bytes. It evicts the
/// least recently used row.
///
/// When it is full or the hit rate is low, it admits only keys seen recently. It does not know if a row is still as it
/// was: each store proves that in its own way.
pub struct RowCache<T> {
    rows: LruCache<StoredKey, Remembered<T>>,
    heap_bytes: fn(&T) -> usize,
    bytes: usize,
    /// A row had to give way to another one.
    is_full: bool,
    hasher: DefaultHashBuilder,
    doorkeeper: Doorkeeper,
    hit_rate: HitRate,
}

/// A row, and the bytes that it took when it was admitted.
struct Remembered<T> {
    row: T,
    bytes: usize,
}

impl<T> RowCache<T> {
    /// Returns an empty cache. `heap_bytes` returns the bytes that a row holds on the heap.
    #[must_use]
    pub fn new(heap_bytes: fn(&T) -> usize) -> Self {
        Self {
            rows: LruCache::new_unbounded(),
            heap_bytes,
            bytes: 0,
            is_full: false,
            hasher: DefaultHashBuilder::default(),
            doorkeeper: Doorkeeper::new(),
            hit_rate: HitRate::default(),
        }
    }

    /// Returns the row of a text, and marks it as used.
    pub fn get(&mut self, stored: &StoredKey) -> Option<&T> {
        let known = self.rows.get(stored);
        self.hit_rate.count(known.is_some());
        known.map(|known| &known.row)
    }

    /// Returns the row of a text, to be changed in values that take no bytes on the heap.
    pub fn get_mut(&mut self, stored: &StoredKey) -> Option<&mut T> {
        self.rows.peek_mut(stored).map(|known| &mut known.row)
    }

    /// Removes the row of a text and returns it. Its key counts as seen recently.
    pub fn take(&mut self, stored: &StoredKey) -> Option<T> {
        let row = self.remove(stored);
        self.hit_rate.count(row.is_some());
        if row.is_some() {
            self.was_here(stored);
        }
        row
    }

    /// Admits a row in the place of an older one of its key. When the cache is full or the hit rate is low, it admits a
    /// row only if its key was seen recently: keys that are used once would evict those that come back. It never admits
    /// a row that is larger than all of the room.
    ///
    /// `row` is called only if the row is admitted.
    pub fn keep(&mut self, stored: &StoredKey, row: impl FnOnce() -> T) {
        let is_worth_it = self.was_here(stored) || (!self.is_full && self.hit_rate.pays());
        match is_worth_it.then(|| self.weighed(stored, row())).filter(|known| known.bytes <= MAX_BYTES) {
            Some(known) => self.insert(stored.clone(), known),
            None => drop(self.remove(stored)),
        }
    }

    /// Removes the row of a text.
    pub fn forget(&mut self, stored: &StoredKey) {
        if self.remove(stored).is_some() {
            self.is_full = false;
        }
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.bytes = 0;
        self.is_full = false;
    }

    fn weighed(&self, stored: &StoredKey, row: T) -> Remembered<T> {
        let inline = size_of::<(StoredKey, Remembered<T>)>();
        Remembered { bytes: inline + stored.as_str().len() + (self.heap_bytes)(&row), row }
    }

    fn insert(&mut self, stored: StoredKey, known: Remembered<T>) {
        self.bytes += known.bytes;
        if let Some(older) = self.rows.insert(stored, known) {
            self.bytes -= older.bytes;
        }
        self.make_room();
    }

    fn remove(&mut self, stored: &StoredKey) -> Option<T> {
        let known = self.rows.remove(stored)?;
        self.bytes -= known.bytes;
        Some(known.row)
    }

    /// Evicts the least recently used rows until the others fit.
    fn make_room(&mut self) {
        while (self.bytes > MAX_BYTES || self.rows.len() > CAPACITY)
            && let Some((_, oldest)) = self.rows.remove_lru()
        {
            self.bytes -= oldest.bytes;
            self.is_full = true;
        }
    }

    fn was_here(&mut self, stored: &StoredKey) -> bool {
        self.doorkeeper.knows(self.hasher.hash_one(stored))
    }
}

impl<T> fmt::Debug for RowCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowCache").field("rows", &self.rows.len()).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(number: usize) -> StoredKey {
        StoredKey::from_stored(number.to_string())
    }

    fn nothing<T>(_: &T) -> usize {
        0
    }

    /// A cache in which many were looked for, and none found.
    fn missed() -> RowCache<usize> {
        let mut rows = RowCache::new(nothing);
        for number in 0..CAPACITY {
            assert_eq!(rows.get(&stored(number)), None);
        }
        rows
    }

    #[test]
    fn a_row_that_is_kept_is_there_until_it_is_taken_or_forgotten() {
        let mut rows = RowCache::new(nothing);
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
        let mut rows = RowCache::new(nothing);
        for number in 0..=CAPACITY {
            rows.keep(&stored(number), || number);
        }
        assert_eq!(rows.rows.len(), CAPACITY);
        assert_eq!(rows.get(&stored(0)), None);
        assert_eq!(rows.get(&stored(1)), Some(&1));
    }

    #[test]
    fn a_full_cache_admits_a_key_at_its_second_use_until_it_has_room() {
        let mut rows = RowCache::new(nothing);
        for number in 0..=CAPACITY {
            rows.keep(&stored(number), || number);
        }
        let (late, later) = (CAPACITY + 1, CAPACITY + 2);
        rows.keep(&stored(late), || panic!("nobody needs it yet"));
        rows.keep(&stored(late), || late);
        assert_eq!(rows.get(&stored(late)), Some(&late));
        rows.forget(&stored(late));
        rows.keep(&stored(later), || later);
        assert_eq!(rows.get(&stored(later)), Some(&later), "there is room");
        rows.clear();
        rows.keep(&stored(1), || 1);
        assert_eq!(rows.get(&stored(1)), Some(&1));
    }

    /// Of millions of keys that are used by Zipf's law, the 16,384 most used ones have 0.62 of all uses. Admitting every
    /// key finds 0.52 of them.
    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to ten million")]
    fn keys_that_are_used_often_are_kept_from_those_that_are_used_once() {
        const KEYS: f64 = 10_000_000.0;
        let mut rows = RowCache::new(nothing);
        let (mut state, mut hits) = (1_u64, 0);
        for number in 0..400_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX);
            let key = stored(KEYS.powf(unit) as usize);
            let is_hit = rows.get(&key).is_some();
            hits += u32::from(is_hit && number >= 200_000);
            if !is_hit {
                rows.keep(&key, || number);
            }
        }
        assert!(hits > 110_000, "{hits} of 200,000");
    }

    #[test]
    fn large_rows_give_way_where_their_bytes_are_too_many() {
        const QUARTER: usize = MAX_BYTES / 4;
        let mut rows = RowCache::new(|bytes: &usize| *bytes);
        for number in 0..100 {
            (0..2).for_each(|_| rows.keep(&stored(number), || QUARTER));
            assert!(rows.bytes <= MAX_BYTES, "{rows:?}");
        }
        assert_eq!(rows.rows.len(), 3, "each takes a little beside its own");
        assert_eq!(rows.get(&stored(99)), Some(&QUARTER));
        rows.keep(&stored(99), || 1);
        (0..2).for_each(|_| rows.keep(&stored(100), || QUARTER));
        assert_eq!(rows.rows.len(), 4, "what an older row took is free");
        (0..2).for_each(|_| rows.keep(&stored(101), || MAX_BYTES));
        assert_eq!(rows.rows.len(), 4, "one that would drive out all others is not remembered");
    }

    #[test]
    fn what_leaves_gives_its_bytes_back() {
        let mut rows = RowCache::new(|bytes: &usize| *bytes);
        let leaves: [fn(&mut RowCache<usize>); 3] =
            [RowCache::clear, |rows| rows.forget(&stored(1)), |rows| assert!(rows.take(&stored(1)).is_some())];
        for leave in leaves {
            rows.keep(&stored(1), || 1000);
            assert!(rows.bytes > 1000);
            leave(&mut rows);
            assert_eq!(rows.bytes, 0);
        }
    }
}
