use std::mem;

/// The keys that were seen recently, by four bytes of the hash of each.
///
/// If millions of keys are used at random, hardly any is back before it would be evicted. Admitting them all the same
/// would only take the processor's caches from those that need them.
pub(super) struct Doorkeeper {
    /// One part of a hash is a place; the other part is kept there until another key comes to the place.
    places: Box<[u32]>,
}

/// Four times as many as there are rows, so that a key among as many others mostly finds its place as it left it.
const PLACES: usize = 4 * super::CAPACITY;

impl Doorkeeper {
    pub(super) fn new() -> Self {
        Self { places: vec![0; PLACES].into() }
    }

    /// Returns `true` if the key with this hash was seen recently, and marks it as seen.
    pub(super) fn knows(&mut self, hash: u64) -> bool {
        let part = (hash >> 32) as u32;
        // The remainder always fits.
        let place = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        mem::replace(&mut self.places[place], part) == part
    }
}
