use keymint_domain::organization::Action;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId};

use crate::{Caller, Keys, ServiceError};

/// Rows that one statement removes at most, so that no lock is held for long.
const BATCH: u32 = 1000;

impl Keys {
    /// Removes one key for good, and returns whose it was; `None` = that could not be read.
    ///
    /// Errors: `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing right.
    pub async fn delete(
        &self,
        caller: &Caller,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<Option<OwnerId>, ServiceError> {
        let user = caller.manages(Action::Delete, ErrorCode::Unauthorized)?;
        let key = self.find_for(user, Action::Delete, id, config_id).await?;
        let removed = self.store.remove(id).await;
        self.forget(&key).await;
        if removed? { Ok(Some(key.details.owner.clone())) } else { Err(ErrorCode::KeyNotFound.into()) }
    }

    /// Removes every key that has expired, whatever its retention, and returns how many they were.
    ///
    /// Errors: `UNAUTHORIZED` for anybody but a server.
    pub async fn delete_all_expired(&self, caller: &Caller) -> Result<u64, ServiceError> {
        if *caller != Caller::Server {
            return Err(ErrorCode::Unauthorized.into());
        }
        let (now, mut total) = (self.clock.now(), 0);
        loop {
            let removed = self.store.remove_expired(&ConfigFilter::Any, now, BATCH).await?;
            total += u64::from(removed);
            if removed < BATCH {
                return Ok(total);
            }
        }
    }
}
