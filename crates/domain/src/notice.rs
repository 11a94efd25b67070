//! Notices: what the owner of a key should hear in time, each once.
//!
//! [`due`] decides by a key and the present instant. The kind and the period of a [`Notice`] identify it: every node
//! derives the same ones from the same key, so that the event exists once.

use crate::policy::Notices;
use crate::value::DAY_MS;
use crate::{ApiKey, Timestamp};

/// A notice about a key that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The kind of notice.
    pub kind: NoticeKind,
    /// The instant that the notice is about: the expiry, the last use, or the beginning of the secret's life. If it
    /// changes, there is something new to hear.
    pub about: Timestamp,
    /// The instant at which the notice became due.
    pub due_at: Timestamp,
}

/// The kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The key expires within this number of days.
    Expiring {
        /// One of the configured numbers.
        days: u32,
    },
    /// The key has expired.
    Expired,
    /// The key has not been used for the configured number of days.
    Idle,
    /// The key's secret is older than the configuration's rotation policy allows.
    RotationDue,
}

/// The time after which a notice that was not made is too late. Without it, the first start on an old database would
/// make a notice of every key that ever expired.
const LATE_MS: u64 = 30 * DAY_MS;

impl Notice {
    /// Returns the text that, with the key's id, identifies the notice on every node.
    pub fn period(&self) -> String {
        let about = self.about.as_millis();
        match self.kind {
            NoticeKind::Expiring { days } => format!("expiring-{days}-{about}"),
            NoticeKind::Expired => format!("expired-{about}"),
            NoticeKind::Idle => format!("idle-{about}"),
            NoticeKind::RotationDue => format!("rotation_due-{about}"),
        }
    }
}

/// The facts about a key that notices depend on, besides the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UseFacts {
    /// The last recorded use, in addition to the key's own counters.
    pub last_used_at: Option<Timestamp>,
    /// The instant at which the present secret came into use; `None` = at the key's creation.
    pub rotated_at: Option<Timestamp>,
}

/// The members of a key that decide about the notice of its expiry. They are all that is known of a key that clean-up
/// removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The instant after which the key is refused; `None` = it never expires.
    pub expires_at: Option<Timestamp>,
    /// The key is enabled.
    pub enabled: bool,
    /// The key is revoked.
    pub is_revoked: bool,
}

impl From<&ApiKey> for Expiry {
    fn from(key: &ApiKey) -> Self {
        let details = &key.details;
        Self { expires_at: details.expires_at, enabled: details.enabled, is_revoked: details.revocation.is_some() }
    }
}

impl Expiry {
    /// Returns true if there are notices about the key. Nobody hears about keys that are revoked or disabled.
    fn is_heard_of(self) -> bool {
        self.enabled && !self.is_revoked
    }

    /// Returns the notice that the key has expired, if it is due at `now`.
    pub fn notice(self, now: Timestamp) -> Option<Notice> {
        // The key is still valid at the instant itself.
        let at = self.expires_at.filter(|at| now > *at && self.is_heard_of() && is_in_time(*at, now))?;
        Some(Notice { kind: NoticeKind::Expired, about: at, due_at: at })
    }
}

/// Returns the notices about a key that are due at `now`. Nobody hears about keys that are revoked or disabled.
pub fn due(key: &ApiKey, facts: UseFacts, settings: &Notices, now: Timestamp) -> Vec<Notice> {
    let expiry = Expiry::from(key);
    if !expiry.is_heard_of() {
        return Vec::new();
    }
    if key.is_expired(now) {
        return expiry.notice(now).into_iter().collect();
    }
    [expiring(key, settings, now), idle(key, facts, settings, now), rotation_due(key, facts, settings, now)]
        .into_iter()
        .flatten()
        .collect()
}

fn is_in_time(due_at: Timestamp, now: Timestamp) -> bool {
    due_at <= now && now.millis_since(due_at) <= LATE_MS
}

/// Returns the notice with the fewest days that is due, so that a late job does not say the same thing twice.
fn expiring(key: &ApiKey, settings: &Notices, now: Timestamp) -> Option<Notice> {
    let at = key.details.expires_at?;
    let due_at = |days: u32| at.minus_millis(u64::from(days) * DAY_MS);
    // A key that is made for a week has no notice of 30 days.
    let applies = |days: &u32| due_at(*days) > key.details.created_at && due_at(*days) <= now;
    let days = settings.expiring_days.iter().copied().filter(applies).min()?;
    Some(Notice { kind: NoticeKind::Expiring { days }, about: at, due_at: due_at(days) })
}

fn idle(key: &ApiKey, facts: UseFacts, settings: &Notices, now: Timestamp) -> Option<Notice> {
    let last = facts.last_used_at.max(key.usage.last_request).unwrap_or(key.details.created_at);
    let due_at = last.plus_millis(u64::from(settings.idle_days?.get()) * DAY_MS);
    is_in_time(due_at, now).then_some(Notice { kind: NoticeKind::Idle, about: last, due_at })
}

fn rotation_due(key: &ApiKey, facts: UseFacts, settings: &Notices, now: Timestamp) -> Option<Notice> {
    let since = facts.rotated_at.unwrap_or(key.details.created_at);
    let due_at = since.plus_millis(settings.rotation_due_ms()?);
    is_in_time(due_at, now).then_some(Notice { kind: NoticeKind::RotationDue, about: since, due_at })
}
