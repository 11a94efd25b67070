//! The rotation of a key's secret. The key gets a new secret, and its clients change over while both are valid.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{ApiKey, KeyDetails, PlainKey, StoredKey};
use crate::Timestamp;

/// A rotation under way: the key has two valid secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The stored form of the secret beside the one in use: the new one until its first use, then the former one.
    pub second: StoredKey,
    /// The stage of the rotation.
    pub stage: RotationStage,
}

/// The stage of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationStage {
    /// The second secret is new, and waits for its first use.
    Pending(PendingSecret),
    /// The new secret is in use. The second one is the former secret.
    Grace(FormerSecret),
}

/// A new secret that waits for its first use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSecret {
    /// The first characters of the new secret, by which its owner recognizes it.
    pub start: Option<String>,
    /// The instant at which the secret was made.
    pub since: Timestamp,
    /// The end of the wait.
    pub wait: Wait,
    /// The time for which the former secret stays valid after the first use of the new one, in milliseconds.
    pub grace_ms: u64,
}

/// The end of the wait for the first use of a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The new secret ends at this instant, and the one in use stays.
    CancelsAt(Timestamp),
    /// The former secret ends at this instant, whether the new one was used or not.
    CutsAt(Timestamp),
}

/// A former secret that is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerSecret {
    /// The first instant at which the former secret is refused.
    pub ends_at: Timestamp,
    /// The last use of the former secret since the new one is in use, up to a minute old; `None` = there was none.
    pub used_at: Option<Timestamp>,
}

/// The role of one of a key's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRole {
    /// The secret in use.
    InUse,
    /// The new secret, which waits for its first use.
    New,
    /// The secret that was in use before.
    Former,
}

/// A requested change of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationChange {
    /// The key gets a new secret.
    Begin(NewSecret),
    /// The new secret ends before its first use.
    Cancel,
    /// The former secret ends now, or the secret in use, if the new one waits.
    Finish,
    /// A rotation whose time has come ends. Nothing else changes.
    EndDue,
}

/// A new secret of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// The stored form.
    pub stored: StoredKey,
    /// The first characters, by which its owner recognizes it.
    pub start: Option<String>,
    /// The time for which the former secret stays valid after the first use of this one, in milliseconds.
    pub grace_ms: u64,
    /// The end of the wait for the first use; `None` = all other secrets end at once.
    pub wait: Option<Wait>,
    /// The rotation under way that this one may replace.
    pub replaces: Replaces,
}

/// The rotations under way that a new one may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    /// None.
    Nothing,
    /// One whose new secret waits for its first use. That secret ends.
    Pending,
    /// Any. A former secret ends, too.
    Any,
}

/// The reason why a rotation is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RotationRefused {
    /// Another rotation is under way.
    #[error("a rotation of the key is under way")]
    Open,
    /// No rotation is under way.
    #[error("no rotation of the key is under way")]
    NotOpen,
    /// The new secret was used, so that the rotation cannot be cancelled.
    #[error("the new secret is in use")]
    Confirmed,
    /// The new secret is one that the key has.
    #[error("the key has this secret already")]
    SameSecret,
    /// The key was imported by a foreign hash, and was not used yet.
    #[error("the key is known by a foreign hash until its first use")]
    Foreign,
    /// The key is revoked.
    #[error("the key is revoked")]
    Revoked,
    /// The key has expired.
    #[error("the key has expired")]
    Expired,
}

/// A step of a rotation, of which there is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationTurn {
    /// The key got a new secret.
    Begun {
        /// The end of the wait for the first use; `None` = the other secrets ended at once.
        wait: Option<Wait>,
        /// The time after the first use for which the former secret stays valid, in milliseconds.
        grace_ms: u64,
        /// True if the new secret took the place of one that waited for its first use.
        replaced: bool,
    },
    /// The new secret was used for the first time.
    Confirmed {
        /// The instant at which the former secret ends.
        former_ends_at: Timestamp,
    },
    /// One secret is left.
    Ended(RotationEnd),
}

/// The reason for the end of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationEnd {
    /// A caller ended all other secrets together with the rotation's begin.
    AtOnce,
    /// A caller cancelled it.
    Cancelled,
    /// A caller finished it.
    Finished,
    /// A caller began another one, and ended the former secret.
    Replaced,
    /// The new secret was not used in time, and has ended.
    Unused,
    /// The deadline has passed.
    Deadline,
    /// The former secret has ended, some time after the first use of the new one.
    GraceOver,
}

/// A key after a change of its rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key.
    pub key: ApiKey,
    /// The steps, in their order. Without any nothing was changed.
    pub turns: Vec<RotationTurn>,
}

/// The error for a text that holds no rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an object with the stage of a rotation")]
pub struct InvalidRotation;

/// The resolution of the last use of a former secret, so that it costs one write a minute and not one per call.
const STAMP_EVERY_MS: u64 = 60_000;

impl Wait {
    /// Returns the instant at which the wait ends.
    pub fn ends_at(self) -> Timestamp {
        match self {
            Self::CancelsAt(at) | Self::CutsAt(at) => at,
        }
    }
}

impl RotationTurn {
    /// Returns true if a use or the time made the step, and no caller.
    pub fn is_of_use_or_time(&self) -> bool {
        match self {
            Self::Begun { .. } => false,
            Self::Confirmed { .. } => true,
            Self::Ended(end) => matches!(end, RotationEnd::Unused | RotationEnd::Deadline | RotationEnd::GraceOver),
        }
    }
}

impl RotationEnd {
    /// Returns the name of the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "now",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
            Self::Replaced => "replaced",
            Self::Unused => "unused",
            Self::Deadline => "deadline",
            Self::GraceOver => "grace",
        }
    }
}

impl Rotation {
    /// Returns the first instant at which one secret is left, if nothing happens before.
    pub fn ends_at(&self) -> Timestamp {
        match &self.stage {
            RotationStage::Pending(pending) => pending.wait.ends_at(),
            RotationStage::Grace(former) => former.ends_at,
        }
    }

    /// Returns the former secret's state; `None` = the new one waits for its first use.
    pub fn former(&self) -> Option<FormerSecret> {
        match self.stage {
            RotationStage::Pending(_) => None,
            RotationStage::Grace(former) => Some(former),
        }
    }

    /// Reads a rotation from its second secret and the text of a stored row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRotation`] for a text that [`Rotation::to_stored`] does not write.
    pub fn from_stored(second: StoredKey, text: &str) -> Result<Self, InvalidRotation> {
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| InvalidRotation)?;
        let optional_instant = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(|ms| Some(Timestamp::from_millis(ms))).ok_or(InvalidRotation),
        };
        let instant = |name: &str| optional_instant(name)?.ok_or(InvalidRotation);
        let (stage, expected) = match members.get("stage").and_then(Value::as_str) {
            Some("pending") => {
                let start = match members.get("start") {
                    None => None,
                    Some(start) => Some(start.as_str().ok_or(InvalidRotation)?.to_owned()),
                };
                let (cancels_at, cuts_at) = (optional_instant("cancelsAt")?, optional_instant("cutsAt")?);
                let wait = match (cancels_at, cuts_at) {
                    (Some(at), None) => Wait::CancelsAt(at),
                    (None, Some(at)) => Wait::CutsAt(at),
                    (None, None) | (Some(_), Some(_)) => return Err(InvalidRotation),
                };
                let grace_ms = members.get("graceMs").and_then(Value::as_u64).ok_or(InvalidRotation)?;
                let expected = 4 + usize::from(start.is_some());
                (RotationStage::Pending(PendingSecret { start, since: instant("since")?, wait, grace_ms }), expected)
            }
            Some("grace") => {
                let used_at = optional_instant("usedAt")?;
                let expected = 2 + usize::from(used_at.is_some());
                (RotationStage::Grace(FormerSecret { ends_at: instant("endsAt")?, used_at }), expected)
            }
            _ => return Err(InvalidRotation),
        };
        if members.len() == expected { Ok(Self { second, stage }) } else { Err(InvalidRotation) }
    }

    /// Returns the text for a row. The second secret stands in a column of its own.
    pub fn to_stored(&self) -> String {
        let Self { second: _, stage } = self;
        let ms = |at: Timestamp| json!(at.as_millis());
        let members = match stage {
            RotationStage::Pending(PendingSecret { start, since, wait, grace_ms }) => {
                let (name, at) = match wait {
                    Wait::CancelsAt(at) => ("cancelsAt", at),
                    Wait::CutsAt(at) => ("cutsAt", at),
                };
                vec![
                    ("stage", Some(json!("pending"))),
                    ("since", Some(ms(*since))),
                    (name, Some(ms(*at))),
                    ("graceMs", Some(json!(grace_ms))),
                    ("start", start.as_ref().map(|start| json!(start))),
                ]
            }
            RotationStage::Grace(FormerSecret { ends_at, used_at }) => {
                vec![("stage", Some(json!("grace"))), ("endsAt", Some(ms(*ends_at))), ("usedAt", used_at.map(ms))]
            }
        };
        let members: Map<_, _> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Value::Object(members).to_string()
    }
}

impl KeyDetails {
    /// Returns the instant since which the present secret is in use.
    pub fn secret_since(&self) -> Timestamp {
        self.rotated_at.unwrap_or(self.created_at)
    }

    /// Returns the stored forms of all secrets of the key, the one in use first, whatever the time is.
    pub fn stored_forms(&self) -> impl Iterator<Item = &StoredKey> {
        std::iter::once(&self.stored).chain(self.rotation.as_ref().map(|rotation| &rotation.second))
    }
}

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
        let NewSecret { stored, start, grace_ms, wait, replaces } = new;
        if self.details.revocation.is_some() {
            return Err(RotationRefused::Revoked);
        }
        if self.is_expired(now) {
            return Err(RotationRefused::Expired);
        }
        // Its former secret could not be kept: the row holds no stored form of it.
        if self.details.foreign.is_some() {
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
            Arc::make_mut(&mut self.details).rotation = None;
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
