use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that all slots together may still take.
pub(super) struct Room {
    left: AtomicUsize,
}

/// The bytes of one slot. They are freed when it is dropped.
pub(super) struct Share {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    /// Takes `bytes` bytes; `None` = fewer are left.
    pub(super) fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut share = Share { room: Arc::clone(self), bytes: 0 };
        share.resize(bytes).then_some(share)
    }

    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Share {
    /// Resizes the share to `bytes`. Returns false, and changes nothing, if too few are left.
    pub(super) fn resize(&mut self, bytes: usize) -> bool {
        let is_had = bytes <= self.bytes || self.room.take(bytes - self.bytes);
        if is_had {
            self.room.give_back(self.bytes.saturating_sub(bytes));
            self.bytes = bytes;
        }
        is_had
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_take_no_more_than_there_is_and_give_it_back() {
        let room = Room::new(100);
        let mut first = room.share(60).unwrap();
        assert!(room.share(41).is_none());
        let second = room.share(40).unwrap();
        assert!(!first.resize(61) && first.resize(60) && first.resize(10));
        assert!(room.share(51).is_none() && room.share(50).is_some());
        drop(second);
        assert!(first.resize(100));
        drop(first);
        assert_eq!(room.left.load(Ordering::Relaxed), 100);
    }
}
