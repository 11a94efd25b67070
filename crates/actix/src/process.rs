use std::sync::atomic::{AtomicBool, Ordering};

use crate::request::RequestIds;
use crate::seldom::Seldom;

/// What a process has whatever it is configured to.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) request_ids: RequestIds,
    is_draining: AtomicBool,
    /// When it was last logged that somebody asks as a gateway who is none.
    pub(crate) not_a_gateway: Seldom,
    /// When it was last logged that a request's head was larger than what is read.
    pub(crate) head_too_large: Seldom,
}

impl Process {
    pub(crate) fn new(instance: [u8; 8]) -> Self {
        Self {
            request_ids: RequestIds::new(instance),
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
