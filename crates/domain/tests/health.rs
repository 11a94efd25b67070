//! Findings about keys, each by the facts that it depends on, and "safe to remove" on simulated years.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::health::{
    Finding, KeyFacts, RecordedUses, RotationFacts, SAFE_AFTER_MS, Severity, Thresholds, findings,
};
use keymint_domain::key::{Actor, NewKey, PlainKey, Revocation};
use keymint_domain::verify::{Ban, Owner};
use keymint_domain::{ApiKey, Configuration, OwnerId, Permissions, Policy, Timestamp};
use keymint_simulation::{FIRST_HOUR, HOURS, SimulatedKey};

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn ago(days: u64) -> Timestamp {
    NOW.minus_millis(days * DAY_MS)
}

/// Returns a key with a limit and an expiry in a year, made this long ago.
fn key(created_at: Timestamp) -> ApiKey {
    let configuration = Configuration::default();
    let new = NewKey::default().check(&configuration).unwrap();
    let plain = PlainKey::generate("", 32, &mut |bytes: &mut [u8]| bytes.fill(7));
    let mut key =
        new.mint(OwnerId::parse("ada").unwrap(), plain, &mut |bytes: &mut [u8]| bytes.fill(3), created_at).key;
    Arc::make_mut(&mut key.details).expires_at = Some(NOW.plus_millis(365 * DAY_MS));
    key
}

/// Returns the facts of a key that is used every day.
fn facts(key: &ApiKey) -> KeyFacts<'_> {
    let uses = RecordedUses { since: ago(400), last_used_at: Some(ago(1)), accepted: 5_000, refused: 3 };
    KeyFacts { key, owner: Owner::Present, uses, rotation: RotationFacts::default(), leaked_at: None }
}

fn found(facts: &KeyFacts<'_>, policy: &Policy) -> Vec<Finding> {
    findings(facts, policy, Thresholds::default(), NOW)
}

fn policy(change: impl FnOnce(&mut Configuration)) -> Policy {
    let mut configuration = Configuration::default();
    change(&mut configuration);
    Policy::new(vec![configuration]).unwrap()
}

#[test]
fn a_sound_key_has_no_findings() {
    let key = key(ago(200));
    assert_eq!(found(&facts(&key), &Policy::default()), []);
}

#[test]
fn properties_of_a_key_are_found() {
    type Change = fn(&mut ApiKey);
    let cases: [(Finding, Change); 4] = [
        (Finding::NeverExpires, |key| Arc::make_mut(&mut key.details).expires_at = None),
        (Finding::Expiring, |key| Arc::make_mut(&mut key.details).expires_at = Some(NOW.plus_millis(30 * DAY_MS))),
        (Finding::Unlimited, |key| Arc::make_mut(&mut key.details).rate_limit_enabled = false),
        (Finding::Wildcard, |key| {
            Arc::make_mut(&mut key.details).permissions = Some(Permissions::of(&[("files", &["*"])]));
        }),
    ];
    for (finding, change) in cases {
        let mut key = key(ago(200));
        change(&mut key);
        assert_eq!(found(&facts(&key), &Policy::default()), [finding]);
        // Nobody can use it.
        Arc::make_mut(&mut key.details).revocation = Some(Revocation { at: ago(1), by: Actor::Server });
        assert_eq!(found(&facts(&key), &Policy::default()), [], "{finding:?}");
    }
}

#[test]
fn what_limits_or_disarms_a_key_is_taken_into_account() {
    let mut quota = key(ago(200));
    Arc::make_mut(&mut quota.details).rate_limit_enabled = false;
    quota.usage.remaining = Some(10);
    assert_eq!(found(&facts(&quota), &Policy::default()), []);
    let limited = key(ago(200));
    let unlimited = policy(|configuration| configuration.rate_limit.enabled = false);
    assert_eq!(found(&facts(&limited), &unlimited), [Finding::Unlimited], "the configuration limits no key");
    let mut star = key(ago(200));
    Arc::make_mut(&mut star.details).permissions = Some(Permissions::of(&[("*", &["read"])]));
    let named = policy(|configuration| configuration.wildcards = false);
    assert_eq!(found(&facts(&star), &named), [], "a star is a name there");
    assert_eq!(found(&facts(&star), &Policy::default()), [Finding::Wildcard]);
}

#[test]
fn the_state_of_the_owner_is_found() {
    let key = key(ago(200));
    let with = |owner| KeyFacts { owner, ..facts(&key) };
    let banned = |until| with(Owner::Banned(Ban { until }));
    assert_eq!(found(&banned(None), &Policy::default()), [Finding::OwnerBanned]);
    assert_eq!(found(&banned(Some(ago(1))), &Policy::default()), [], "the ban has ended");
    assert_eq!(found(&with(Owner::Absent), &Policy::default()), [], "only the caller may know the owner");
    let mut required = policy(|_| {});
    required.require_owner = true;
    assert_eq!(found(&with(Owner::Absent), &required), [Finding::OwnerGone]);
}

#[test]
fn rotations_and_leaks_are_found() {
    let key = key(ago(200));
    let rotation = policy(|configuration| configuration.notices.rotation_days = NonZeroU32::new(180));
    assert_eq!(found(&facts(&key), &rotation), [Finding::RotationDue]);
    let rotated = RotationFacts { rotated_at: Some(ago(20)), former_used_at: None };
    assert_eq!(found(&KeyFacts { rotation: rotated, ..facts(&key) }, &rotation), []);
    let former = RotationFacts { former_used_at: Some(ago(2)), ..rotated };
    assert_eq!(found(&KeyFacts { rotation: former, ..facts(&key) }, &rotation), [Finding::FormerSecretInUse]);
    let leaked = KeyFacts { leaked_at: Some(ago(30)), ..facts(&key) };
    assert_eq!(found(&leaked, &Policy::default()), [Finding::Leaked]);
    assert_eq!(
        found(&KeyFacts { rotation: rotated, ..leaked }, &Policy::default()),
        [],
        "the secret that leaked is gone"
    );
}

#[test]
fn refusals_are_found_of_dead_keys_too() {
    let mut key = key(ago(200));
    Arc::make_mut(&mut key.details).enabled = false;
    let uses = |accepted, refused| RecordedUses { accepted, refused, ..facts(&key).uses };
    let with =
        |accepted, refused| found(&KeyFacts { uses: uses(accepted, refused), ..facts(&key) }, &Policy::default());
    assert_eq!(with(100, 101), [Finding::RefusedMore]);
    assert_eq!(with(101, 101), []);
    assert_eq!(with(1, 99), [], "too few to tell");
}

#[test]
fn unused_and_idle_keys_are_found_by_the_record_and_by_the_counters() {
    let mut key = key(ago(95));
    let none = RecordedUses { since: ago(400), last_used_at: None, accepted: 0, refused: 0 };
    let with = |key: &ApiKey, uses| {
        let found = found(&KeyFacts { uses, ..facts(key) }, &Policy::default());
        found.into_iter().filter(|finding| *finding != Finding::SafeToRemove).collect::<Vec<_>>()
    };
    assert_eq!(with(&key, none), [Finding::NeverUsed]);
    assert_eq!(with(&key, RecordedUses { last_used_at: Some(ago(90)), ..none }), [Finding::Idle]);
    key.usage.last_request = Some(ago(3));
    assert_eq!(with(&key, none), [], "a Better Auth server accepted it");
    let mut young = key.clone();
    young.usage.last_request = None;
    Arc::make_mut(&mut young.details).created_at = ago(89);
    assert_eq!(with(&young, none), []);
}

#[test]
fn a_key_is_safe_to_remove_only_if_every_use_would_have_been_recorded_for_long_enough() {
    let safe_days = SAFE_AFTER_MS / DAY_MS;
    let none = RecordedUses { since: ago(400), last_used_at: None, accepted: 0, refused: 0 };
    let is_safe = |key: &ApiKey, uses| {
        found(&KeyFacts { uses, ..facts(key) }, &Policy::default()).contains(&Finding::SafeToRemove)
    };
    let old = key(ago(500));
    assert!(is_safe(&old, none));
    assert!(is_safe(&old, RecordedUses { last_used_at: Some(ago(401)), ..none }), "its last use was before the record");
    assert!(!is_safe(&old, RecordedUses { last_used_at: Some(ago(399)), ..none }));
    assert!(!is_safe(&old, RecordedUses { accepted: 1, ..none }));
    assert!(!is_safe(&old, RecordedUses { refused: 1, ..none }), "somebody still has it");
    assert!(!is_safe(&old, RecordedUses { since: ago(safe_days - 1), ..none }), "the record is too short");
    assert!(!is_safe(&key(ago(safe_days - 1)), none), "the key is too young");
    let mut used_elsewhere = key(ago(500));
    used_elsewhere.usage.last_request = Some(ago(200));
    assert!(!is_safe(&used_elsewhere, none), "a Better Auth server accepted it");
    let mut revoked = key(ago(500));
    Arc::make_mut(&mut revoked.details).revocation = Some(Revocation { at: ago(450), by: Actor::Server });
    assert!(is_safe(&revoked, none));
}

/// Every week of a simulated year of 1,000 keys: a key that is called safe to remove is never used again. With a record
/// of 100 days, a quarterly job is the rarest use that is seen.
#[test]
fn no_key_of_a_simulated_year_is_called_safe_to_remove_and_used_again() {
    let instant = |hour: usize| Timestamp::from_millis(0).plus_millis((FIRST_HOUR + hour as u64) * HOUR_MS);
    let record = usize::try_from(SAFE_AFTER_MS / HOUR_MS).unwrap();
    let mut safe = 0;
    for number in 0..1_000 {
        let simulated = SimulatedKey::ordinary(401, number);
        let hours = &simulated.hours;
        let last_call = hours.iter().rposition(|hour| hour.accepted + hour.refused > 0);
        let mut key = key(instant(simulated.born));
        Arc::make_mut(&mut key.details).expires_at = None;
        for today in (simulated.born..HOURS).step_by(7 * 24) {
            let (now, from) = (instant(today), today.saturating_sub(record));
            let recorded = &hours[from..today];
            let uses = RecordedUses {
                since: instant(from),
                last_used_at: hours[..today].iter().rposition(|hour| hour.accepted > 0).map(instant),
                accepted: recorded.iter().map(|hour| u64::from(hour.accepted)).sum(),
                refused: recorded.iter().map(|hour| u64::from(hour.refused)).sum(),
            };
            let facts = KeyFacts { uses, ..facts(&key) };
            if findings(&facts, &Policy::default(), Thresholds::default(), now).contains(&Finding::SafeToRemove) {
                safe += 1;
                assert!(
                    last_call.is_none_or(|last| last < today),
                    "key {number} was used again in week {}",
                    today / 168
                );
            }
        }
    }
    assert!(safe > 500, "{safe}");
}

#[test]
fn findings_are_in_the_order_of_their_severity_with_names_and_advice_of_their_own() {
    let severities: Vec<Severity> = Finding::ALL.iter().map(|finding| finding.severity()).collect();
    assert!(severities.is_sorted_by(|left, right| left >= right));
    let names: std::collections::BTreeSet<_> = Finding::ALL.iter().map(|finding| finding.as_str()).collect();
    assert_eq!(names.len(), Finding::ALL.len());
    assert!(Finding::ALL.iter().all(|finding| finding.advice().ends_with('.')));
    assert_eq!(Severity::ALL.map(Severity::as_str), ["info", "low", "medium", "high", "critical"]);
}
