use std::num::NonZeroU32;
use std::time::Duration;

use keymint_domain::key::{EditKeys, KeyPatch, Revocation};
use keymint_domain::listing::Unreadable;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, OwnerId};
use keymint_ports::{BulkChange, BulkCursor, BulkPortion};

use crate::caller::{Deed, Reach};
use crate::pace::Pace;
use crate::{Context, Keys, ServiceError, stopwatch};

/// The least and the most keys that one portion changes.
const PORTION: [NonZeroU32; 2] = [NonZeroU32::new(128).unwrap(), NonZeroU32::new(512).unwrap()];

/// A change of many keys at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeKeys {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of this configuration, whether it is configured or not.
    pub config_id: Option<ConfigId>,
    /// The change.
    pub change: ChangeOfKeys,
    /// True if the keys are counted and not changed.
    pub dry_run: bool,
    /// The position to continue at; `None` = the first key.
    pub after: Option<BulkCursor>,
    /// The time after which no further portion begins; `None` = all keys are changed.
    pub within: Option<Duration>,
}

/// The change that each key undergoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOfKeys {
    /// The keys are revoked.
    Revoke,
    /// Members of the keys are changed.
    Edit(EditKeys),
}

/// The outcome of a change of many keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedKeys {
    /// The number of keys that were changed.
    pub changed: u64,
    /// The number of keys that were so already.
    pub unchanged: u64,
    /// The number of rows that stay as they are, because they cannot be read.
    pub unreadable: u64,
    /// The first of those rows.
    pub first_unreadable: Vec<Unreadable>,
    /// The position to continue at; `None` = no key is left.
    pub next: Option<BulkCursor>,
}

impl ChangedKeys {
    /// The largest number of unreadable rows that are named.
    pub const MAX_NAMED: usize = 100;

    fn add(&mut self, portion: BulkPortion) {
        let BulkPortion { changed, stored: _, unchanged, unreadable, next } = portion;
        self.changed += changed;
        self.unchanged += unchanged;
        self.unreadable += unreadable.len() as u64;
        let room = Self::MAX_NAMED.saturating_sub(self.first_unreadable.len());
        self.first_unreadable.extend(unreadable.into_iter().take(room));
        self.next = next;
    }
}

impl Keys {
    /// Changes many keys, a portion at a time. Each portion is durable, so that a change that was interrupted is completed
    /// by the same request; keys that are so already stay as they are.
    ///
    /// Verifications of other keys go on between the portions. A change counts at a key's next verification.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::ServerOnlyProperty`] for any caller but a server and an operator, [`ErrorCode::NoValuesToUpdate`] for an edit
    /// without members, and [`ServiceError::Store`] if the store fails.
    pub async fn change_many<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: ChangeKeys,
    ) -> Result<ChangedKeys, ServiceError> {
        let context = context.into();
        if context.caller.manages(Deed::Update, ErrorCode::Unauthorized)? != Reach::Everyone {
            return Err(ErrorCode::ServerOnlyProperty.into());
        }
        let ChangeKeys { owner, config_id, change, dry_run, after, within } = request;
        let now = self.clock.now();
        let patch = match change {
            ChangeOfKeys::Revoke => KeyPatch::revoking(Revocation { at: now, by: context.caller.revoker() }),
            ChangeOfKeys::Edit(edit) => edit.check()?,
        };
        if patch.resets_limit() && !dry_run {
            // Calls that were answered on a copy count before the count ends.
            self.flush().await?;
        }
        let configurations = config_id.map_or(ConfigFilter::Any, |id| ConfigFilter::AnyOf(vec![id]));
        let change = BulkChange { owner, configurations, patch, now };
        let mut origin = self.origin(&context, now);
        let (began, mut pace) = (stopwatch(), Pace::awaited(PORTION));
        let mut outcome = ChangedKeys { next: after, ..ChangedKeys::default() };
        loop {
            let (portion_began, from) = (stopwatch(), outcome.next.take());
            let portion = if dry_run {
                self.store.preview_update_many(&change, from, pace.portion()).await?
            } else {
                // The ids of events begin with their instants: with one instant for all portions, each event would be written
                // at another place of the index of ids.
                origin.at = self.clock.now();
                let portion = self.store.update_many(&change, from, pace.portion(), &origin).await?;
                self.forget(&portion.stored).await;
                portion
            };
            outcome.add(portion);
            if outcome.next.is_none() || within.is_some_and(|within| began.elapsed() >= within) {
                return Ok(outcome);
            }
            pace.rest(portion_began.elapsed()).await;
        }
    }
}
