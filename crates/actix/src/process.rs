use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use keymint_service::Turns;

use crate::request::RequestIds;
use crate::seldom::Seldom;

/// What a process has whatever it is configured to.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) request_ids: RequestIds,
    /// Of those who list keys. A page of a thousand is some milliseconds of work for a thread that verifies keys, too.
    pub(crate) lists: Turns,
    /// Of those who read one key, or their session.
    pub(crate) looks: Turns,
    is_draining: AtomicBool,
    /// When it was last logged that somebody asks as a gateway who is none.
    pub(crate) not_a_gateway: Seldom,
    /// When it was last logged that a request's head was larger than what is read.
    pub(crate) head_too_large: Seldom,
}

const LISTS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
const LOOKS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

impl Process {
    pub(crate) fn new(instance: [u8; 8]) -> Self {
        Self {
            request_ids: RequestIds::new(instance),
            lists: Turns::new(LISTS),
            looks: Turns::new(LOOKS),
            is_draining: AtomicBool::new(false),
            not_a_gateway: Seldom::default(),
            head_too_large: Seldom::default(),
        }
    }

    /// From now on every answer closes its connection, and `/readyz` says no.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}
