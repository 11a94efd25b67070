use std::mem;

/// Tells a key that is back soon from one that is not: it knows which keys were in use lately, four bytes of each.
///
/// Where millions of keys are used at random, hardly any is back before it would be forgotten. Remembering them all the same
/// would only take the processor's caches from what needs them.
pub(crate) struct Doorkeeper {
    /// At a place that a part of the hash says, another part of it, of the last key that came there.
    places: Box<[u32]>,
}

/// Four times as many as there are rows, so that a key among as many others mostly finds its place as it left it.
const PLACES: usize = 4 * crate::cache::CAPACITY;

impl Doorkeeper {
    pub(crate) fn new() -> Self {
        Self { places: vec![0; PLACES].into() }
    }

    /// Whether the key with this hash was here lately. From now on it was.
    pub(crate) fn knows(&mut self, hash: u64) -> bool {
        let part = (hash >> 32) as u32;
        // The remainder always fits.
        let place = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        mem::replace(&mut self.places[place], part) == part
    }
}
