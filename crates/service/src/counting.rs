use std::num::NonZeroU32;

use keymint_domain::key::KeyCounts;
use keymint_domain::listing::ListQuery;
use keymint_domain::{ErrorCode, OwnerId};

use crate::caller::Deed;
use crate::pace::Pace;
use crate::{Caller, Keys, ServiceError, stopwatch};

/// The largest number of keys that one statement counts: about as many as SQLite counts in the time that a portion
/// should take.
const PORTION: NonZeroU32 = NonZeroU32::new(1024).unwrap();

/// An owner's keys in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnedKeys {
    /// The keys that were counted.
    pub counts: KeyCounts,
    /// There are more than [`ListQuery::COUNT_UP_TO`], which were not counted.
    pub has_more: bool,
}

impl Keys {
    /// Counts an owner's keys by their current state, up to [`ListQuery::COUNT_UP_TO`].
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` if the caller may not see them, and [`ServiceError::Store`] if the store fails.
    pub async fn count_of(&self, caller: &Caller, owner: OwnerId) -> Result<OwnedKeys, ServiceError> {
        caller.manages(Deed::Read, ErrorCode::Unauthorized)?.check_user(&owner)?;
        let most = u32::try_from(ListQuery::COUNT_UP_TO).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        let found = self.store.count(Some(owner), self.clock.now(), None, most).await?;
        Ok(OwnedKeys { counts: found.counts, has_more: found.next.is_some() })
    }

    /// Counts the keys by their current state, and reports the counts to the meter at the end.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Nothing is reported then.
    pub(crate) async fn count(&self) -> Result<(), ServiceError> {
        let (now, mut pace) = (self.clock.now(), Pace::of(PORTION));
        let (mut counts, mut from) = (KeyCounts::default(), None);
        loop {
            let began = stopwatch();
            let found = self.store.count(None, now, from.take(), pace.portion()).await?;
            counts += found.counts;
            from = found.next;
            if from.is_none() {
                self.meter.counted(&counts);
                return Ok(());
            }
            pace.rest(began.elapsed()).await;
        }
    }
}
