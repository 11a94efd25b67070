use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Waker};

use actix_web::dev::ServiceRequest;

/// The turn of a connection: its answers report here to the connection, which then hands over the next request. Both
/// run on the same thread.
#[derive(Default)]
pub(crate) struct Turn {
    answered: Cell<u64>,
    closes: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Turn {
    /// Returns the number of requests whose answers were written, or never will be.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Returns true if an answer was the connection's last.
    pub(super) fn closes(&self) -> bool {
        self.closes.get()
    }

    /// Wakes the task of `cx` when the current request is answered.
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

/// A request that is being answered. Its connection's turn ends when this is dropped, together with the answer's body.
#[derive(Debug)]
pub(crate) struct Answering(Rc<Turn>);

impl Answering {
    /// Returns `None` for a request of another server than ours, without a [`Connection`](super::Connection).
    pub(crate) fn of(request: &ServiceRequest) -> Option<Self> {
        request.conn_data::<Rc<Turn>>().map(|turn| Self(Rc::clone(turn)))
    }

    /// Closes the connection after this answer.
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
