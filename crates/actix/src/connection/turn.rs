use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Waker};

use actix_web::dev::ServiceRequest;

/// Whose turn it is on a connection: what its requests' answers tell the one who hands requests over. Both are on one
/// thread.
#[derive(Default)]
pub(crate) struct Turn {
    answered: Cell<u64>,
    closes: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Turn {
    /// Requests whose answers were written, or will never be.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Whether an answer has said that it is the connection's last.
    pub(super) fn closes(&self) -> bool {
        self.closes.get()
    }

    /// Wakes the task of `cx` when the request that is being answered has been.
    pub(super) fn wait(&self, cx: &Context<'_>) {
        self.waiting.set(Some(cx.waker().clone()));
    }

    pub(super) fn wake(&self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("answered", &self.answered).field("closes", &self.closes).finish_non_exhaustive()
    }
}

/// A request that is being answered. Its connection's turn ends when this is dropped, which is with the answer's body.
#[derive(Debug)]
pub(crate) struct Answering(Rc<Turn>);

impl Answering {
    /// `None` for a request that did not come by a [`Connection`](super::Connection), such as in a server of an embedder.
    pub(crate) fn of(request: &ServiceRequest) -> Option<Self> {
        request.conn_data::<Rc<Turn>>().map(|turn| Self(Rc::clone(turn)))
    }

    /// The connection is closed after this answer.
    pub(crate) fn close(&self) {
        self.0.closes.set(true);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answered.set(self.0.answered.get() + 1);
        self.0.wake();
    }
}
