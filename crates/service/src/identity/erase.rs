use keymint_domain::UserId;
use keymint_domain::event::Actor;
use keymint_ports::Erased;

use super::Identity;
use crate::{ServiceError, Source};

/// A person whose names and addresses were erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedUser {
    /// The user, whose id stays.
    pub user: UserId,
    /// The events whose details about persons were erased.
    pub events: u64,
    /// The sessions that were ended.
    pub sessions: u64,
}

impl Identity {
    /// Erases the names and addresses of a user (an id or an address), and ends their sessions; `None` = there is no such
    /// user.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn erase(&self, id_or_email: &str) -> Result<Option<ErasedUser>, ServiceError> {
        let Some(user) = self.find(id_or_email).await?.map(|user| user.id) else { return Ok(None) };
        let now = self.surroundings.now();
        let origin = self.origin(Actor::Server, &Source::default(), now);
        let erased = self.store.erase_user(&user, now, &origin).await?;
        Ok(erased.map(|Erased { events, sessions }| ErasedUser { user, events, sessions }))
    }
}
