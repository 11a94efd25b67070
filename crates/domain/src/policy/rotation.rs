use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use crate::key::{NewSecret, PlainKey, Replaces, Wait};
use crate::policy::Configuration;
use crate::value::DAY_MS;
use crate::{ApiKey, Timestamp};

/// The rotation of the secrets of a configuration's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationRules {
    /// The days after which a new secret that was not used ends.
    pub max_pending_days: NonZeroU32,
    /// The time in seconds for which a former secret stays valid if a request names none.
    pub grace_seconds: u32,
}

/// A requested rotation of a key's secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RotateSecret {
    /// The time in seconds for which the former secret stays valid after the first use of the new one; `None` = the
    /// configuration's.
    pub grace_seconds: Option<u32>,
    /// The end of the secret in use.
    pub cut: Cut,
    /// True if a former secret that is still valid ends.
    pub end_former: bool,
}

/// The end of the secret that a rotation replaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cut {
    /// The grace after the first use of the new secret, which ends itself if it is not used in time.
    #[default]
    AfterUse,
    /// The same, but this number of seconds from now at the latest, whether the new secret was used or not.
    Deadline(u32),
    /// Now, together with all other secrets.
    Now,
}

impl RotationRules {
    /// The times in seconds for which a former secret may stay valid: up to 90 days.
    pub const GRACE_SECONDS: RangeInclusive<u32> = 0..=7_776_000;
    /// The deadlines of a rotation in seconds: from a minute to 90 days.
    pub const DEADLINE_SECONDS: RangeInclusive<u32> = 60..=7_776_000;
}

impl Default for RotationRules {
    /// Returns a wait of 7 days for the first use, and a grace of a day.
    fn default() -> Self {
        const WEEK: NonZeroU32 = NonZeroU32::MIN.saturating_add(6);
        Self { max_pending_days: WEEK, grace_seconds: 86_400 }
    }
}

impl Configuration {
    /// Makes the new secret of a key from its text `plain`, at `now`.
    ///
    /// A rotation of a key by its own session (`is_own`) replaces no other: whoever has a leaked secret must not end
    /// the rotation by which its owner gets rid of it.
    pub fn new_secret(&self, asked: RotateSecret, plain: &PlainKey, is_own: bool, now: Timestamp) -> NewSecret {
        let RotateSecret { grace_seconds, cut, end_former } = asked;
        let rules = self.rotation;
        let pending_ms = u64::from(rules.max_pending_days.get()) * DAY_MS;
        NewSecret {
            stored: if self.disable_key_hashing { plain.unhashed() } else { plain.hash() },
            start: self.starting_characters.map(|units| plain.start(units)),
            grace_ms: u64::from(grace_seconds.unwrap_or(rules.grace_seconds)) * 1000,
            wait: match cut {
                Cut::AfterUse => Some(Wait::CancelsAt(now.plus_millis(pending_ms))),
                Cut::Deadline(seconds) => Some(Wait::CutsAt(now.plus_millis(u64::from(seconds) * 1000))),
                Cut::Now => None,
            },
            replaces: if is_own {
                Replaces::Nothing
            } else if end_former || cut == Cut::Now {
                Replaces::Any
            } else {
                Replaces::Pending
            },
            seen: None,
        }
    }

    /// Returns the instant at which the secret of `key` is due for rotation; `None` = never.
    pub fn rotation_due_at(&self, key: &ApiKey) -> Option<Timestamp> {
        Some(key.details.secret_since().plus_millis(self.notices.rotation_due_ms()?))
    }
}
