use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keymint_domain::OwnerId;
use keymint_domain::verify::Owner;

use crate::state::State;

/// A handle on a store in this process. A clone is another handle on the same store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// Tells the store about a user, as the `user` table does in other stores.
    ///
    /// It bans the user or takes a ban back, and adds a missing user, without a password and with the id as the
    /// address. [`Owner::Absent`] removes the user, with their sessions and memberships.
    pub fn put_owner(&self, id: OwnerId, owner: Owner) {
        self.lock().put_owner(id, owner);
    }

    /// Locks the state. No caller ever sees half of a change: every change is made in one stretch that cannot panic, so
    /// that a poisoned lock holds a complete state, too.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}
