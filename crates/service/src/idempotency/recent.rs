use std::collections::{BTreeMap, HashMap};

use keymint_domain::Timestamp;
use keymint_domain::verify::Fingerprint;

/// The state of recent uses: each for a window, and at most `max` of them. The oldest are evicted first.
pub(super) struct Recent<T> {
    uses: HashMap<Fingerprint, Known<T>>,
    /// The uses by number, the oldest first.
    order: BTreeMap<u64, (Timestamp, Fingerprint)>,
    next: u64,
    window_ms: u64,
    max: usize,
}

struct Known<T> {
    number: u64,
    at: Timestamp,
    what: T,
}

impl<T> Recent<T> {
    pub(super) fn new(window_ms: u64, max: usize) -> Self {
        Self { uses: HashMap::new(), order: BTreeMap::new(), next: 0, window_ms, max }
    }

    /// Returns the state of a use that was first requested within the window.
    pub(super) fn get(&self, id: &Fingerprint, now: Timestamp) -> Option<&T> {
        self.uses.get(id).filter(|known| is_within(self.window_ms, known.at, now)).map(|known| &known.what)
    }

    /// Remembers a use that is requested now, and returns its number.
    pub(super) fn put(&mut self, id: Fingerprint, now: Timestamp, what: T) -> u64 {
        if let Some(over) = self.uses.get(&id) {
            self.remove(over.number);
        }
        while let Some(oldest) = self.order.first_entry()
            && (self.uses.len() >= self.max || !is_within(self.window_ms, oldest.get().0, now))
        {
            self.uses.remove(&oldest.remove().1);
        }
        let number = self.next;
        self.next += 1;
        self.order.insert(number, (now, id));
        self.uses.insert(id, Known { number, at: now, what });
        number
    }

    /// Replaces the state of a use, if it is still remembered.
    pub(super) fn replace(&mut self, number: u64, what: T) {
        let id = self.order.get(&number).map(|(_, id)| id);
        if let Some(known) = id.and_then(|id| self.uses.get_mut(id)) {
            known.what = what;
        }
    }

    /// Forgets a use.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some((_, id)) = self.order.remove(&number) {
            self.uses.remove(&id);
        }
    }
}

/// Returns true if `now` is within the window that begins at `at`. A clock that was set back is in no window.
fn is_within(window_ms: u64, at: Timestamp, now: Timestamp) -> bool {
    at <= now && now < at.plus_millis(window_ms)
}

#[cfg(test)]
mod tests {
    use keymint_domain::Policy;
    use keymint_domain::key::PlainKey;
    use keymint_domain::verify::Attempt;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn id(number: u32) -> Fingerprint {
        Fingerprint::of(&Attempt::new(&PlainKey::new("k"), &Policy::default()), &[&number.to_be_bytes()])
    }

    #[test]
    fn a_use_is_known_for_the_window_and_not_before_it() {
        let mut recent = Recent::new(1000, 10);
        let first = recent.put(id(1), NOW, "first");
        let known = |recent: &Recent<&'static str>, after: u64| recent.get(&id(1), NOW.plus_millis(after)).copied();
        assert_eq!(
            (known(&recent, 0), known(&recent, 999), known(&recent, 1000)),
            (Some("first"), Some("first"), None)
        );
        assert_eq!(recent.get(&id(1), Timestamp::from_millis(NOW.as_millis() - 1)), None, "the clock was set back");
        assert_eq!(recent.get(&id(2), NOW), None);
        let second = recent.put(id(1), NOW.plus_millis(1000), "second");
        assert_ne!(first, second);
        recent.replace(first, "of another use");
        recent.remove(first);
        assert_eq!(known(&recent, 1000), Some("second"));
        recent.replace(second, "third");
        assert_eq!((known(&recent, 1999), known(&recent, 2000)), (Some("third"), None));
        recent.remove(second);
        assert_eq!((known(&recent, 1500), recent.uses.len(), recent.order.len()), (None, 0, 0));
    }

    #[test]
    fn of_too_many_the_oldest_are_forgotten_and_those_that_are_over_go_first() {
        let mut recent = Recent::new(1000, 3);
        let numbers = (1..=5).map(|number| {
            let put = recent.put(id(number), NOW.plus_millis(u64::from(number)), ());
            assert!(recent.uses.len() <= 3 && recent.uses.len() == recent.order.len());
            put
        });
        let fourth = numbers.collect::<Vec<_>>()[3];
        let known: Vec<_> = (1..=5).filter(|number| recent.get(&id(*number), NOW.plus_millis(5)).is_some()).collect();
        assert_eq!(known, [3, 4, 5]);
        recent.remove(fourth);
        recent.put(id(6), NOW.plus_millis(6), ());
        assert!(recent.get(&id(3), NOW.plus_millis(6)).is_some(), "there was room");
        recent.put(id(7), NOW.plus_millis(1005), ());
        assert_eq!(recent.uses.len(), 2, "only the one of a moment ago is left beside it");
    }
}
