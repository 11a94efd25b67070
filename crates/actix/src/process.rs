use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use keymint_service::Turns;

use crate::request::RequestIds;
use crate::seldom::Seldom;

/// What a process has whatever it is configured to.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) request_ids: RequestIds,
    /// Of requests that list keys. A page of a thousand is many milliseconds of work for the store, and some for a thread that
    /// verifies keys, too: pages take at most a quarter of the cores.
    pub(crate) lists: Turns,
    /// Of those who read one key, or their session.
    pub(crate) looks: Turns,
    is_draining: AtomicBool,
    /// When it was last logged that somebody asks as a gateway who is none.
    pub(crate) not_a_gateway: Seldom,
    /// When it was last logged that a request's head was larger than what is read.
    pub(crate) head_too_large: Seldom,
}

const LOOKS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

impl Process {
    pub(crate) fn new(instance: [u8; 8]) -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let lists = NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN);
        Self {
            request_ids: RequestIds::new(instance),
            lists: Turns::at_half_time(lists),
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
