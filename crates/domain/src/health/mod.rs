//! Health: findings about keys that somebody should look at, each with its severity and its advice.
//!
//! [`findings`] judges one key by the facts about it. It changes nothing, and no verification depends on it.

mod finding;

pub use finding::{Finding, Severity};

use crate::key::KeyState;
use crate::policy::{Configuration, Policy, References};
use crate::value::DAY_MS;
use crate::verify::Owner;
use crate::{ApiKey, Timestamp};

/// The shortest time of recorded uses by which a key can be called safe to remove. Some jobs run once a quarter.
pub const SAFE_AFTER_MS: u64 = 100 * DAY_MS;

/// The least refused calls of a finding about refusals.
const MANY_REFUSALS: u64 = 100;

/// The facts about a key, as of the instant of the judgement.
#[derive(Debug, Clone, Copy)]
pub struct KeyFacts<'k> {
    /// The key.
    pub key: &'k ApiKey,
    /// The state of its owner.
    pub owner: Owner,
    /// The recorded uses.
    pub uses: RecordedUses,
    /// The rotations of its secret.
    pub rotation: RotationFacts,
    /// The instant at which the key was reported as public.
    pub leaked_at: Option<Timestamp>,
}

/// The recorded uses of a key within the retention of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedUses {
    /// The first instant since which every use has been recorded, of any key: the start of the retention, or a later
    /// start of recording.
    pub since: Timestamp,
    /// The last accepted call.
    pub last_used_at: Option<Timestamp>,
    /// The accepted calls since then.
    pub accepted: u64,
    /// The refused calls since then.
    pub refused: u64,
}

/// The rotations of a key's secret. The default is a key that was never rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RotationFacts {
    /// The instant at which the present secret came into use; `None` = at the key's creation.
    pub rotated_at: Option<Timestamp>,
    /// The last use of the former secret, while it is still valid.
    pub former_used_at: Option<Timestamp>,
}

/// The limits of the findings that depend on time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// The days without a use after which a key counts as idle or never used.
    pub idle_days: u32,
    /// The days before its expiry at which a key is found.
    pub expiring_days: u32,
}

impl Default for Thresholds {
    /// Returns 90 days without a use, and 30 days before the expiry.
    fn default() -> Self {
        Self { idle_days: 90, expiring_days: 30 }
    }
}

impl RotationFacts {
    /// Returns the facts that the key itself tells.
    pub fn of(key: &ApiKey) -> Self {
        let former = key.details.rotation.as_ref().and_then(|rotation| rotation.former());
        Self { rotated_at: key.details.rotated_at, former_used_at: former.and_then(|former| former.used_at) }
    }
}

impl KeyFacts<'_> {
    /// Returns the last accepted call: by the record, or by the key's counters, which also count what a Better Auth
    /// server accepted.
    pub fn last_used_at(&self) -> Option<Timestamp> {
        self.uses.last_used_at.max(self.key.usage.last_request)
    }

    /// Returns the instant at which the present secret came into use.
    pub fn secret_since(&self) -> Timestamp {
        self.rotation.rotated_at.unwrap_or(self.key.details.created_at)
    }

    /// Returns true if no call of the key, accepted or refused, is recorded although each would be, for long enough.
    ///
    /// The key must be as old as that time. A refused call counts as a use: somebody still has the key.
    fn is_safe_to_remove(&self, now: Timestamp) -> bool {
        let watched_since = self.uses.since.max(self.key.details.created_at);
        let is_unused = self.uses.accepted == 0 && self.uses.refused == 0;
        let is_unused_before = self.last_used_at().is_none_or(|last| last < watched_since);
        is_unused && is_unused_before && now.millis_since(watched_since) >= SAFE_AFTER_MS
    }
}

/// Returns the findings about a key, in the order of [`Finding::ALL`], which is by severity.
pub fn findings(facts: &KeyFacts<'_>, policy: &Policy, thresholds: Thresholds, now: Timestamp) -> Vec<Finding> {
    let configuration = policy.resolve(&facts.key.details.config_id).ok();
    let holds = |finding: &Finding| holds(*finding, facts, policy, configuration, thresholds, now);
    Finding::ALL.iter().copied().filter(holds).collect()
}

fn holds(
    finding: Finding,
    facts: &KeyFacts<'_>,
    policy: &Policy,
    configuration: Option<&Configuration>,
    thresholds: Thresholds,
    now: Timestamp,
) -> bool {
    let (key, details) = (facts.key, &facts.key.details);
    // Properties of a key that nobody can use harm nobody.
    let is_usable = matches!(key.state(now), KeyState::Active | KeyState::Exhausted);
    let idle_ms = u64::from(thresholds.idle_days) * DAY_MS;
    let is_older_than = |ms: u64, since: Timestamp| now.millis_since(since) >= ms;
    match finding {
        // A leak of an earlier secret is none of the present one.
        Finding::Leaked => is_usable && facts.leaked_at.is_some_and(|at| at >= facts.secret_since()),
        Finding::FormerSecretInUse => is_usable && facts.rotation.former_used_at.is_some(),
        Finding::OwnerGone => {
            let is_users = configuration.is_none_or(|found| found.references == References::User);
            is_usable && is_users && policy.require_owner && facts.owner == Owner::Absent
        }
        Finding::OwnerBanned => is_usable && facts.owner.is_banned(now),
        Finding::Wildcard => {
            let has_meaning = configuration.is_none_or(|found| found.wildcards);
            is_usable && has_meaning && details.permissions.as_ref().is_some_and(crate::Permissions::has_star)
        }
        Finding::Unlimited => {
            let is_limited = configuration.is_none_or(|found| found.rate_limit.enabled);
            let limit = details.rate_limit().filter(|_| is_limited);
            is_usable && key.usage.remaining.is_none() && limit.is_none()
        }
        Finding::RotationDue => {
            let every_ms = configuration.and_then(|found| found.notices.rotation_due_ms());
            is_usable && every_ms.is_some_and(|every_ms| is_older_than(every_ms, facts.secret_since()))
        }
        Finding::RefusedMore => facts.uses.refused >= MANY_REFUSALS && facts.uses.refused > facts.uses.accepted,
        Finding::Expiring => {
            let within_ms = u64::from(thresholds.expiring_days) * DAY_MS;
            is_usable && details.expires_at.is_some_and(|at| at.millis_since(now) <= within_ms)
        }
        Finding::NeverExpires => is_usable && details.expires_at.is_none(),
        Finding::NeverUsed => {
            let is_unused = facts.last_used_at().is_none() && facts.uses.accepted == 0;
            is_usable && is_unused && is_older_than(idle_ms, details.created_at)
        }
        Finding::Idle => is_usable && facts.last_used_at().is_some_and(|last| is_older_than(idle_ms, last)),
        Finding::SafeToRemove => facts.is_safe_to_remove(now),
    }
}
