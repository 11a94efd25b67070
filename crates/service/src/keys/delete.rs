use keymint_domain::organization::Action;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId};

use keymint_ports::{Removed, StoreError};

use crate::{Caller, Keys, ServiceError};

/// Rows that one statement removes at most, so that no lock is held for long.
const BATCH: u32 = 1000;

impl Keys {
    /// Removes one key for good, be its row readable or not, and returns whose it was; `None` = that could not be read.
    ///
    /// Errors: `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing right; `KEY_REFERENCED`
    /// where a row of another table refers to it.
    pub async fn delete(
        &self,
        caller: &Caller,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<Option<OwnerId>, ServiceError> {
        let user = caller.manages(Action::Delete, ErrorCode::Unauthorized)?;
        let stub = self.find_stub_for(user, Action::Delete, id, config_id).await?;
        let removed = self.store.remove(id).await;
        self.forget(stub.stored.as_ref()).await;
        match removed {
            Ok(true) => Ok(stub.owner),
            Ok(false) => Err(ErrorCode::KeyNotFound.into()),
            Err(StoreError::Referenced) => Err(ErrorCode::KeyReferenced.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes every key that has expired, whatever its retention, and returns how many they were. Keys to which rows of other
    /// tables refer stay.
    ///
    /// Errors: `UNAUTHORIZED` for anybody but a server.
    pub async fn delete_all_expired(&self, caller: &Caller) -> Result<u64, ServiceError> {
        if *caller != Caller::Server {
            return Err(ErrorCode::Unauthorized.into());
        }
        let (now, mut total, mut skip) = (self.clock.now(), 0, 0_u32);
        loop {
            let Removed { removed, kept } = self.store.remove_expired(&ConfigFilter::Any, now, skip, BATCH).await?;
            let kept = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            total += u64::from(removed);
            skip = skip.saturating_add(kept);
            if removed.saturating_add(kept) < BATCH {
                return Ok(total);
            }
        }
    }
}
