use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId};

use keymint_ports::{Removed, StoreError};

use crate::caller::Deed;
use crate::{Context, Keys, ServiceError};

/// The largest number of rows that one statement removes, so that no lock is held for long.
const BATCH: u32 = 1000;

impl Keys {
    /// Deletes one key, even if its row cannot be read. Returns its owner; `None` = the owner could not be read.
    ///
    /// If its configuration has a time for it, the key can be restored until then; otherwise it is gone for good.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing right; `KEY_REFERENCED`
    /// if a row of another table refers to the key; [`ServiceError::Store`] if the store fails.
    pub async fn delete<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<Option<OwnerId>, ServiceError> {
        let context = context.into();
        let reach = context.caller.manages(Deed::Delete, ErrorCode::Unauthorized)?;
        let stub = self.find_stub_for(reach, Deed::Delete, id, config_id).await?;
        let now = self.clock.now();
        let origin = self.origin(&context, now);
        let configuration = stub.config_id.as_ref().and_then(|id| self.policy.resolve(id).ok());
        let removed = match configuration.and_then(|found| found.deletion(now, context.caller.revoker())) {
            Some(deletion) => self.store.set_aside(id, &deletion, &origin).await,
            None => self.store.remove(id, &origin).await,
        };
        self.forget(&stub.stored).await;
        match removed {
            Ok(true) => Ok(stub.owner),
            Ok(false) => Err(ErrorCode::KeyNotFound.into()),
            Err(StoreError::Referenced) => Err(ErrorCode::KeyReferenced.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes every key that has expired, whatever its retention, and returns their number. Keys that rows of other
    /// tables refer to are kept.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn delete_all_expired<'a>(&self, context: impl Into<Context<'a>> + Send) -> Result<u64, ServiceError> {
        let context = context.into();
        if !context.caller.manages_all() {
            return Err(ErrorCode::Unauthorized.into());
        }
        let (now, mut total, mut skip) = (self.clock.now(), 0, 0_u32);
        let origin = self.announcing(self.origin(&context, now));
        loop {
            let portion = self.store.remove_expired(&ConfigFilter::Any, now, skip, BATCH, &origin).await?;
            self.tell_expiries(&portion);
            let Removed { removed, kept, expiries_told: _ } = portion;
            let kept = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            total += u64::from(removed);
            skip = skip.saturating_add(kept);
            if removed.saturating_add(kept) < BATCH {
                return Ok(total);
            }
        }
    }
}
