//! The steps of a rotation on the key.

use std::sync::Arc;

use super::{
    FormerSecret, NewSecret, PendingSecret, Replaces, Rotated, Rotation, RotationChange, RotationEnd, RotationRefused,
    RotationStage, RotationTurn, SecretRole, Wait,
};
use crate::Timestamp;
use crate::key::{ApiKey, PlainKey, StoredKey};

/// The resolution of the last use of a former secret, so that it costs one write a minute and not one per call.
const STAMP_EVERY_MS: u64 = 60_000;

impl ApiKey {
    /// Returns the key as it is at `now`, if a rotation whose time has come is not written yet.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        self.end_due(now);
        self
    }

    /// Returns the role that the secret with this stored form has on the key; `None` = the key has no such secret.
    pub fn secret_role(&self, stored: &StoredKey) -> Option<SecretRole> {
        if self.details.stored == *stored {
            return Some(SecretRole::InUse);
        }
        let rotation = self.details.rotation.as_ref().filter(|rotation| rotation.second == *stored)?;
        Some(match rotation.stage {
            RotationStage::Pending(_) => SecretRole::New,
            RotationStage::Grace(_) => SecretRole::Former,
        })
    }

    /// Returns the stored forms of the secrets that are valid at `now`.
    pub fn valid_secrets(&self, now: Timestamp) -> impl Iterator<Item = &StoredKey> {
        let details = &*self.details;
        let is_cut = |rotation: &Rotation| {
            matches!(&rotation.stage, RotationStage::Pending(PendingSecret { wait: Wait::CutsAt(_), .. }))
        };
        let (in_use, second) = match &details.rotation {
            Some(rotation) if now < rotation.ends_at() => (Some(&details.stored), Some(&rotation.second)),
            Some(rotation) if is_cut(rotation) => (None, Some(&rotation.second)),
            None | Some(_) => (Some(&details.stored), None),
        };
        in_use.into_iter().chain(second)
    }

    /// Returns the instant at which the secret `presented` ends, if it is the former one of the key.
    pub fn former_secret_ends_at(&self, presented: &PlainKey) -> Option<Timestamp> {
        let rotation = self.details.rotation.as_ref()?;
        let former = rotation.former()?;
        let is_former = presented.hash() == rotation.second || presented.unhashed() == rotation.second;
        is_former.then_some(former.ends_at)
    }

    /// Applies a change of the rotation to the key.
    ///
    /// A rotation whose time has come ends first. The secret that was in use stays in its place until the new one is
    /// used, so that a Better Auth server on the same row accepts a working secret at every instant.
    ///
    /// # Errors
    ///
    /// Returns [`RotationRefused`].
    pub fn rotated(mut self, change: &RotationChange, now: Timestamp) -> Result<Rotated, RotationRefused> {
        let mut turns = Vec::from_iter(self.end_due(now));
        match change {
            RotationChange::Begin(new) => self.begin(new, &mut turns, now)?,
            RotationChange::Cancel => match self.details.rotation.as_ref().map(|rotation| &rotation.stage) {
                None => return Err(RotationRefused::NotOpen),
                Some(RotationStage::Grace(_)) => return Err(RotationRefused::Confirmed),
                Some(RotationStage::Pending(_)) => {
                    Arc::make_mut(&mut self.details).rotation = None;
                    turns.push(RotationTurn::Ended(RotationEnd::Cancelled));
                }
            },
            RotationChange::Finish => {
                let rotation = Arc::make_mut(&mut self.details).rotation.take();
                let Rotation { second, stage } = *rotation.ok_or(RotationRefused::NotOpen)?;
                if let RotationStage::Pending(pending) = stage {
                    self.put_in_use(second, pending.start, now);
                }
                turns.push(RotationTurn::Ended(RotationEnd::Finished));
            }
            RotationChange::EndDue => {}
        }
        if !turns.is_empty() {
            self.usage.updated_at = now;
        }
        Ok(Rotated { key: self, turns })
    }

    fn begin(&mut self, new: &NewSecret, turns: &mut Vec<RotationTurn>, now: Timestamp) -> Result<(), RotationRefused> {
        let NewSecret { stored, start, grace_ms, wait, replaces, seen } = new;
        if self.details.revocation.is_some() {
            return Err(RotationRefused::Revoked);
        }
        if self.is_expired(now) {
            return Err(RotationRefused::Expired);
        }
        if seen.as_ref().is_some_and(|seen| !self.details.stored_forms().eq(seen)) {
            return Err(RotationRefused::Changed);
        }
        // Its former secret could not be kept: the row holds no stored form of it.
        if self.details.foreign.is_some() && wait.is_some() {
            return Err(RotationRefused::Foreign);
        }
        if self.secret_role(stored).is_some() {
            return Err(RotationRefused::SameSecret);
        }
        let open = self.details.rotation.as_ref().map(|rotation| &rotation.stage);
        let (replaced, ends_former) = match (open, replaces) {
            (None, _) => (false, false),
            (Some(RotationStage::Pending(_)), Replaces::Pending | Replaces::Any) => (true, false),
            (Some(RotationStage::Grace(_)), Replaces::Any) => (false, true),
            (Some(_), _) => return Err(RotationRefused::Open),
        };
        let begun = RotationTurn::Begun { wait: *wait, grace_ms: *grace_ms, replaced };
        let Some(wait) = *wait else {
            let details = Arc::make_mut(&mut self.details);
            (details.rotation, details.foreign) = (None, None);
            self.put_in_use(stored.clone(), start.clone(), now);
            turns.extend([begun, RotationTurn::Ended(RotationEnd::AtOnce)]);
            return Ok(());
        };
        if ends_former {
            turns.push(RotationTurn::Ended(RotationEnd::Replaced));
        }
        let pending = PendingSecret { start: start.clone(), since: now, wait, grace_ms: *grace_ms };
        let rotation = Rotation { second: stored.clone(), stage: RotationStage::Pending(pending) };
        Arc::make_mut(&mut self.details).rotation = Some(Box::new(rotation));
        turns.push(begun);
        Ok(())
    }

    /// Ends a rotation whose time has come at `now`. Returns the step, if there was one.
    pub(crate) fn end_due(&mut self, now: Timestamp) -> Option<RotationTurn> {
        let is_due = self.details.rotation.as_ref().is_some_and(|rotation| rotation.ends_at() <= now);
        if !is_due {
            return None;
        }
        let Rotation { second, stage } = *Arc::make_mut(&mut self.details).rotation.take()?;
        Some(RotationTurn::Ended(match stage {
            RotationStage::Grace(_) => RotationEnd::GraceOver,
            RotationStage::Pending(PendingSecret { wait: Wait::CancelsAt(_), .. }) => RotationEnd::Unused,
            RotationStage::Pending(PendingSecret { wait: Wait::CutsAt(at), start, .. }) => {
                self.put_in_use(second, start, at);
                RotationEnd::Deadline
            }
        }))
    }

    /// Takes note of an accepted use of the secret with this stored form: the first use of a new one confirms it.
    ///
    /// Adds the steps to `turns`. Returns true if the rotation changed.
    pub(crate) fn note_use(&mut self, stored: &StoredKey, turns: &mut Vec<RotationTurn>, now: Timestamp) -> bool {
        match self.secret_role(stored) {
            None | Some(SecretRole::InUse) => false,
            Some(SecretRole::New) => {
                turns.extend(self.confirm(now));
                true
            }
            Some(SecretRole::Former) => self.stamp_former(now),
        }
    }

    /// Puts the new secret in the place of the one in use, which becomes the former one.
    fn confirm(&mut self, now: Timestamp) -> Vec<RotationTurn> {
        let expires_at = self.details.expires_at.unwrap_or(Timestamp::MAX);
        let rotation = Arc::make_mut(&mut self.details).rotation.take();
        let Some(Rotation { second, stage: RotationStage::Pending(pending) }) = rotation.map(|rotation| *rotation)
        else {
            return Vec::new();
        };
        let cut_at = match pending.wait {
            Wait::CancelsAt(_) => Timestamp::MAX,
            Wait::CutsAt(at) => at,
        };
        let ends_at = now.plus_millis(pending.grace_ms).min(cut_at).min(expires_at);
        let former = self.put_in_use(second, pending.start, now);
        self.usage.updated_at = self.usage.updated_at.max(now);
        let mut turns = vec![RotationTurn::Confirmed { former_ends_at: ends_at }];
        if ends_at <= now {
            turns.push(RotationTurn::Ended(RotationEnd::GraceOver));
        } else {
            let stage = RotationStage::Grace(FormerSecret { ends_at, used_at: None });
            Arc::make_mut(&mut self.details).rotation = Some(Box::new(Rotation { second: former, stage }));
        }
        turns
    }

    fn stamp_former(&mut self, now: Timestamp) -> bool {
        let Some(former) = self.details.rotation.as_ref().and_then(|rotation| rotation.former()) else {
            return false;
        };
        if former.used_at.is_some_and(|last| now.millis_since(last) < STAMP_EVERY_MS) {
            return false;
        }
        let stamped = RotationStage::Grace(FormerSecret { used_at: Some(now), ..former });
        if let Some(rotation) = &mut Arc::make_mut(&mut self.details).rotation {
            rotation.stage = stamped;
        }
        true
    }

    /// Puts a secret in use. Returns the one that was.
    fn put_in_use(&mut self, stored: StoredKey, start: Option<String>, at: Timestamp) -> StoredKey {
        let details = Arc::make_mut(&mut self.details);
        details.start = start;
        details.rotated_at = Some(at);
        std::mem::replace(&mut details.stored, stored)
    }
}
