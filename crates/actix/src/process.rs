use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use keymint_service::Turns;

use crate::observe::{RequestIds, Seldom};

/// The state of a process that outlives a change of its configuration.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) request_ids: RequestIds,
    /// Turns for lists of keys. A page of a thousand is many milliseconds of work for the store, and some for a thread that
    /// verifies keys, too: pages take at most a quarter of the cores.
    pub(crate) lists: Turns,
    /// Turns for reads of one key, or of a session.
    pub(crate) reads: Turns,
    is_draining: AtomicBool,
    /// Limits the warning that a caller of `/authorize` is no gateway.
    pub(crate) not_a_gateway: Seldom,
    /// Limits the warning that the head of a request is too large.
    pub(crate) head_too_large: Seldom,
}

const READS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

impl Process {
    pub(crate) fn new(instance: [u8; 8]) -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let lists = NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN);
        Self {
            request_ids: RequestIds::new(instance),
            lists: Turns::at_half_time(lists),
            reads: Turns::new(READS),
            is_draining: AtomicBool::new(false),
            not_a_gateway: Seldom::default(),
            head_too_large: Seldom::default(),
        }
    }

    /// Makes every answer close its connection from now on, and `/readyz` fail.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}
