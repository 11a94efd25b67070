use super::LeakReport;
use crate::key::{Actor, KeyPatch, Revocation, RotationChange, SecretRole, StoredKey};
use crate::policy::{LeakAction, Policy};
use crate::{ApiKey, Timestamp};

/// The consequence that a report has for the key beyond being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeakEffect {
    /// The key is revoked.
    Revoked,
    /// The key expires at this instant, which is earlier than before.
    Ends(Timestamp),
    /// The secret ends, and the key goes on with its other one.
    SecretEnds,
    /// The key stays as it is: its configuration asks for notice alone, or it has ended as early already.
    Unchanged,
}

/// The meaning of a report for one key.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakJudgement {
    /// The secret that leaked.
    pub secret: SecretRole,
    /// The action that the key's configuration asks for.
    pub action: LeakAction,
    /// The consequence for the key.
    pub effect: LeakEffect,
    /// The change of the key; `None` = there is none.
    pub patch: Option<KeyPatch>,
    /// The change of the key's rotation; `None` = there is none.
    pub rotation: Option<RotationChange>,
}

impl LeakReport {
    /// Returns the meaning of the report for `key`, which was found under the stored form `matched`; `None` = the secret
    /// is not this key's.
    ///
    /// The same report has no second effect: a key that is revoked stays so, and an end is never moved to a later
    /// instant. A row that was found under the form of another configuration is no match, as in a verification.
    ///
    /// The leak of the secret in use is the key's. A new secret that waits for its first use, and a former one, are not
    /// needed: each ends alone and at once, unless the configuration asks for notice.
    pub fn judge(&self, key: &ApiKey, matched: &StoredKey, policy: &Policy, now: Timestamp) -> Option<LeakJudgement> {
        let secret = key.secret_role(matched)?;
        let configuration = policy.resolve(&key.details.config_id);
        let is_foreign =
            configuration.is_ok_and(|found| !self.forms.may_be_found_as(matched, found.disable_key_hashing));
        if is_foreign {
            return None;
        }
        let action = configuration.map_or(LeakAction::default(), |found| found.on_leak);
        let effect = match (secret, action) {
            (SecretRole::InUse, LeakAction::Revoke) if key.details.revocation.is_none() => LeakEffect::Revoked,
            (SecretRole::InUse, LeakAction::EndAfter { hours }) => {
                let end = now.plus_millis(u64::from(hours.get()) * HOUR_MS);
                let ends_sooner = key.details.expires_at.is_none_or(|at| end < at);
                if ends_sooner { LeakEffect::Ends(end) } else { LeakEffect::Unchanged }
            }
            (SecretRole::New | SecretRole::Former, LeakAction::Revoke | LeakAction::EndAfter { .. }) => {
                LeakEffect::SecretEnds
            }
            (_, LeakAction::Revoke | LeakAction::Notify) => LeakEffect::Unchanged,
        };
        let patch = match effect {
            LeakEffect::Revoked => Some(KeyPatch::revoking(Revocation { at: now, by: self.revoked_by() })),
            LeakEffect::Ends(at) => Some(KeyPatch::ending(at)),
            LeakEffect::SecretEnds | LeakEffect::Unchanged => None,
        };
        let rotation = match (effect, secret) {
            (LeakEffect::SecretEnds, SecretRole::New) => Some(RotationChange::Cancel),
            (LeakEffect::SecretEnds, _) => Some(RotationChange::Finish),
            _ => None,
        };
        Some(LeakJudgement { secret, action, effect, patch, rotation })
    }

    fn revoked_by(&self) -> Actor {
        match self.reporter {
            super::Reporter::Operator => Actor::Server,
            super::Reporter::Holder | super::Reporter::Github => Actor::LeakReport,
        }
    }
}

const HOUR_MS: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::key::{NewKey, PlainKey};
    use crate::leak::{LeakPlace, Reporter};
    use crate::value::UserId;
    use crate::{ConfigId, Configuration, OwnerId};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn policy(on_leak: LeakAction) -> Policy {
        let raw = Configuration {
            on_leak,
            disable_key_hashing: true,
            ..Configuration::new(ConfigId::from_optional(Some("raw")))
        };
        Policy::new(vec![Configuration { on_leak, ..Configuration::default() }, raw]).unwrap()
    }

    fn key(policy: &Policy, config_id: &str) -> ApiKey {
        let configuration = policy.resolve(&ConfigId::from_optional(Some(config_id))).unwrap();
        let new = NewKey::default().check(configuration).unwrap();
        new.mint(OwnerId::parse("ada").unwrap(), plain(), &mut |bytes: &mut [u8]| bytes.fill(1), NOW).key
    }

    fn plain() -> PlainKey {
        PlainKey::new("sk_secret")
    }

    fn judge(key: &ApiKey, policy: &Policy, reporter: Reporter, now: Timestamp) -> Option<LeakJudgement> {
        let report = LeakReport::new(&plain(), reporter, LeakPlace::default(), policy);
        report.judge(key, &key.details.stored, policy, now)
    }

    #[test]
    fn the_actor_of_a_revocation_is_the_report_unless_an_operator_makes_it() {
        let policy = policy(LeakAction::Revoke);
        for (reporter, by) in [
            (Reporter::Holder, Actor::LeakReport),
            (Reporter::Github, Actor::LeakReport),
            (Reporter::Operator, Actor::Server),
        ] {
            let judged = judge(&key(&policy, "default"), &policy, reporter, NOW).unwrap();
            assert_eq!(judged.effect, LeakEffect::Revoked);
            assert_eq!(judged.patch, Some(KeyPatch::revoking(Revocation { at: NOW, by })));
        }
    }

    #[test]
    fn a_key_that_was_revoked_before_stays_as_it_was() {
        let policy = policy(LeakAction::Revoke);
        let ada = Actor::User(UserId::parse("ada").unwrap());
        let revoked = KeyPatch::revoking(Revocation { at: NOW, by: ada });
        let revoked = key(&policy, "default").patched(&revoked, NOW);
        let judged = judge(&revoked, &policy, Reporter::Github, NOW.plus_millis(1)).unwrap();
        assert_eq!((judged.effect, judged.patch), (LeakEffect::Unchanged, None));
    }

    #[test]
    fn an_end_comes_sooner_and_never_later() {
        let policy = policy(LeakAction::EndAfter { hours: NonZeroU32::new(2).unwrap() });
        let at = |minutes: u64| NOW.plus_millis(minutes * 60_000);
        let ending = |key: &ApiKey, now| judge(key, &policy, Reporter::Holder, now).unwrap().effect;
        let key = key(&policy, "default");
        assert_eq!(ending(&key, NOW), LeakEffect::Ends(at(120)));
        let key = key.patched(&KeyPatch::ending(at(120)), NOW);
        for minutes in [0, 1, 119, 500] {
            assert_eq!(ending(&key, at(minutes)), LeakEffect::Unchanged);
        }
        let prolonged = key.patched(&KeyPatch::ending(at(1000)), NOW);
        assert_eq!(ending(&prolonged, at(1)), LeakEffect::Ends(at(121)));
        let last = ending(&prolonged, Timestamp::MAX);
        assert_eq!(last, LeakEffect::Unchanged, "no instant is beyond the last one");
    }

    #[test]
    fn a_text_is_of_a_key_in_the_form_of_its_configuration() {
        let policy = policy(LeakAction::Notify);
        for (config_id, stored) in [("default", plain().hash()), ("raw", plain().unhashed())] {
            let key = key(&policy, config_id);
            assert_eq!(key.details.stored, stored);
            let judged = judge(&key, &policy, Reporter::Github, NOW).unwrap();
            assert_eq!((judged.secret, judged.action), (SecretRole::InUse, LeakAction::Notify));
            assert_eq!((judged.effect, judged.patch), (LeakEffect::Unchanged, None));
            let other = if config_id == "raw" { plain().hash() } else { plain().unhashed() };
            let report = LeakReport::new(&plain(), Reporter::Github, LeakPlace::default(), &policy);
            assert_eq!(report.judge(&key, &other, &policy, NOW), None, "it was found under another secret");
        }
        // The hash itself is no key.
        let key = key(&policy, "default");
        let hash = PlainKey::new(key.details.stored.as_str());
        let report = LeakReport::new(&hash, Reporter::Github, LeakPlace::default(), &policy);
        assert_eq!(report.judge(&key, &key.details.stored, &policy, NOW), None);
    }

    #[test]
    fn a_key_without_a_configuration_is_revoked() {
        let policy = Policy::new(vec![Configuration::new(ConfigId::from_optional(Some("other")))]).unwrap();
        let key = key(&self::policy(LeakAction::Notify), "default");
        assert_eq!(judge(&key, &policy, Reporter::Github, NOW).unwrap().effect, LeakEffect::Revoked);
    }
}
