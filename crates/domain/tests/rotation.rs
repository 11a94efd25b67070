//! The rotation of a key's secret: its steps, the secrets that are valid at each, and the form in a row.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::key::{
    ForeignHash, FormerSecret, InvalidRotation, NewKey, NewSecret, PendingSecret, PlainKey, Replaces, Rotation,
    RotationChange, RotationEnd, RotationRefused, RotationStage, RotationTurn, SecretRole, StoredKey, Wait,
};
use keymint_domain::policy::{Cut, RotateSecret};
use keymint_domain::verify::{Attempt, Ledger, Owner, Verdict};
use keymint_domain::{ApiKey, Configuration, OwnerId, Policy, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const DAY_MS: u64 = 86_400_000;

fn key() -> ApiKey {
    let configuration = Configuration::default();
    let fill = &mut |bytes: &mut [u8]| bytes.fill(1);
    NewKey::default().check(&configuration).unwrap().mint(OwnerId::parse("ada").unwrap(), plain(0), fill, NOW).key
}

fn plain(number: usize) -> PlainKey {
    PlainKey::new(format!("sk_{number}"))
}

fn stored(number: usize) -> StoredKey {
    plain(number).hash()
}

fn begin(number: usize, asked: RotateSecret) -> RotationChange {
    RotationChange::Begin(Configuration::default().new_secret(asked, &plain(number), false, NOW))
}

fn valid(key: &ApiKey, now: Timestamp) -> Vec<StoredKey> {
    key.valid_secrets(now).cloned().collect()
}

#[test]
fn a_request_is_completed_by_its_configuration() {
    let configuration = Configuration { starting_characters: Some(4), ..Configuration::default() };
    let secret = |asked, is_own| configuration.new_secret(asked, &plain(1), is_own, NOW);
    let expected = NewSecret {
        stored: stored(1),
        start: Some("sk_1".to_owned()),
        grace_ms: DAY_MS,
        wait: Some(Wait::CancelsAt(NOW.plus_millis(7 * DAY_MS))),
        replaces: Replaces::Pending,
        seen: None,
    };
    let asked = RotateSecret::default();
    assert_eq!(secret(asked, false), expected);
    assert_eq!(secret(asked, true).replaces, Replaces::Nothing);
    let asked = RotateSecret { grace_seconds: Some(0), cut: Cut::Deadline(60), end_former: true };
    let wait = Some(Wait::CutsAt(NOW.plus_millis(60_000)));
    let cut = NewSecret { grace_ms: 0, wait, replaces: Replaces::Any, ..expected };
    assert_eq!(secret(asked, false), cut);
    let now = secret(RotateSecret { cut: Cut::Now, ..RotateSecret::default() }, false);
    assert_eq!((now.wait, now.replaces), (None, Replaces::Any));
    let raw = Configuration { disable_key_hashing: true, starting_characters: None, ..Configuration::default() };
    let new = raw.new_secret(RotateSecret::default(), &plain(1), false, NOW);
    assert_eq!((new.stored, new.start), (plain(1).unhashed(), None));
}

#[test]
fn a_key_is_due_by_the_age_of_its_secret() {
    let mut configuration = Configuration::default();
    assert_eq!(configuration.rotation_due_at(&key()), None);
    configuration.notices.rotation_days = NonZeroU32::new(30);
    assert_eq!(configuration.rotation_due_at(&key()), Some(NOW.plus_millis(30 * DAY_MS)));
    let at_once = begin(1, RotateSecret { cut: Cut::Now, ..RotateSecret::default() });
    let rotated = key().rotated(&at_once, NOW.plus_millis(DAY_MS)).unwrap();
    assert_eq!(configuration.rotation_due_at(&rotated.key), Some(NOW.plus_millis(31 * DAY_MS)));
    let begun = RotationTurn::Begun { wait: None, grace_ms: DAY_MS, replaced: false };
    assert_eq!(rotated.turns, [begun, RotationTurn::Ended(RotationEnd::AtOnce)]);
}

#[test]
fn a_rotation_past_its_end_is_over_before_anybody_has_written_it() {
    let pending = key().rotated(&begin(1, RotateSecret::default()), NOW).unwrap().key;
    let end = NOW.plus_millis(7 * DAY_MS);
    assert_eq!(valid(&pending, end.minus_millis(1)), [stored(0), stored(1)]);
    assert_eq!(valid(&pending, end), [stored(0)]);
    assert_eq!(pending.clone().as_of(end).details, key().details);
    let asked = RotateSecret { cut: Cut::Deadline(60), ..RotateSecret::default() };
    let cut = key().rotated(&begin(1, asked), NOW).unwrap().key;
    assert_eq!(valid(&cut, NOW.plus_millis(60_000)), [stored(1)]);
    assert_eq!(cut.as_of(NOW.plus_millis(60_000)).details.stored, stored(1));
    // Whoever asks for a change finds the end, too.
    assert_eq!(pending.rotated(&RotationChange::Cancel, end), Err(RotationRefused::NotOpen));
}

#[test]
fn a_secret_has_the_role_that_it_plays() {
    let pending = key().rotated(&begin(1, RotateSecret::default()), NOW).unwrap().key;
    let roles = |key: &ApiKey| [0, 1, 2].map(|number| key.secret_role(&stored(number)));
    assert_eq!(roles(&pending), [Some(SecretRole::InUse), Some(SecretRole::New), None]);
    let row = (stored(1), Ok::<_, ()>((pending, Owner::Absent)));
    let mut ledger = Ledger::new([]);
    ledger.add([row]);
    let policy = Policy::default();
    let attempt = Attempt::new(&plain(1), &policy);
    let verdicts = ledger.settle([&attempt], &policy, NOW);
    let Ok(Verdict::Accepted(confirmed)) = &verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!(roles(confirmed), [Some(SecretRole::Former), Some(SecretRole::InUse), None]);
    assert!(ledger.has_turned(&attempt));
    assert_eq!(ledger.rotations().collect::<Vec<_>>(), [confirmed]);
    assert_eq!(ledger.events(&policy.recording_events(true), NOW).len(), 1);
}

#[test]
fn a_rotation_is_read_as_it_is_written() {
    let wait = Wait::CancelsAt(NOW.plus_millis(3));
    let pending = PendingSecret { start: Some("sk_".to_owned()), since: NOW, wait, grace_ms: 5 };
    let former = FormerSecret { ends_at: NOW, used_at: Some(NOW.plus_millis(1)) };
    for stage in [
        RotationStage::Pending(pending.clone()),
        RotationStage::Pending(PendingSecret { start: None, wait: Wait::CutsAt(NOW), ..pending.clone() }),
        RotationStage::Grace(former),
        RotationStage::Grace(FormerSecret { used_at: None, ..former }),
    ] {
        let rotation = Rotation { second: stored(1), stage };
        assert!(!rotation.to_stored().contains(rotation.second.as_str()));
        assert_eq!(Rotation::from_stored(stored(1), &rotation.to_stored()), Ok(rotation));
    }
    let text = r#"{"stage":"pending","since":1700000000000,"cancelsAt":1700000000003,"graceMs":5,"start":"sk_"}"#;
    assert_eq!(Rotation { second: stored(1), stage: RotationStage::Pending(pending) }.to_stored(), text);
    for text in [
        "",
        "{}",
        "null",
        r#"{"stage":"over","endsAt":1}"#,
        r#"{"stage":"grace"}"#,
        r#"{"stage":"grace","endsAt":"soon"}"#,
        r#"{"stage":"grace","endsAt":1,"other":1}"#,
        r#"{"stage":"pending","since":1,"graceMs":1}"#,
        r#"{"stage":"pending","since":1,"graceMs":1,"cancelsAt":1,"cutsAt":1}"#,
        r#"{"stage":"pending","since":1,"graceMs":-1,"cutsAt":1}"#,
        r#"{"stage":"pending","since":1,"graceMs":1,"cutsAt":1,"start":1}"#,
    ] {
        assert_eq!(Rotation::from_stored(stored(1), text), Err(InvalidRotation), "{text}");
    }
}

/// A step of a random life: a change, or a use of a secret.
#[derive(Debug, Clone)]
enum Step {
    Change(RotationChange),
    Use(usize),
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let cut = prop_oneof![Just(Cut::AfterUse), (60_u32..200).prop_map(Cut::Deadline), Just(Cut::Now)];
    let asked = (prop::option::of(0_u32..100), cut, any::<bool>())
        .prop_map(|(grace_seconds, cut, end_former)| RotateSecret { grace_seconds, cut, end_former });
    let step = prop_oneof![
        2 => (1_usize..5, asked).prop_map(|(number, asked)| Step::Change(begin(number, asked))),
        1 => prop::sample::select(vec![RotationChange::Cancel, RotationChange::Finish, RotationChange::EndDue])
            .prop_map(Step::Change),
        4 => (0_usize..5).prop_map(Step::Use),
    ];
    prop::collection::vec((step, 0_u64..100_000), 1..40)
}

proptest! {
    /// One or two secrets are valid at every step, and exactly those are accepted.
    #[test]
    fn a_key_always_has_one_or_two_secrets(steps in steps()) {
        let (mut key, mut now, policy) = (key(), NOW, Policy::default());
        Arc::make_mut(&mut key.details).rate_limit_enabled = false;
        for (step, later_ms) in steps {
            now = now.plus_millis(later_ms);
            let valid = valid(&key, now);
            prop_assert!((1..=2).contains(&valid.len()));
            match step {
                Step::Change(change) => {
                    if let Ok(rotated) = key.clone().rotated(&change, now) {
                        // Nothing changes without a step.
                        prop_assert_eq!(rotated.turns.is_empty(), rotated.key == key);
                        key = rotated.key;
                    }
                }
                Step::Use(number) => {
                    let mut ledger: Ledger<()> = Ledger::new([]);
                    ledger.add(key.details.stored_forms().map(|form| (form.clone(), Ok((key.clone(), Owner::Absent)))));
                    let attempt = Attempt::new(&plain(number), &policy);
                    let verdict = ledger.settle([&attempt], &policy, now).remove(0).unwrap();
                    prop_assert_eq!(verdict.accepted().is_some(), valid.contains(&stored(number)));
                    key = verdict.accepted().cloned().unwrap_or(key);
                }
            }
        }
    }
}

#[test]
fn a_key_that_is_known_by_a_foreign_hash_is_not_rotated() {
    let mut key = key();
    let hash = ForeignHash::from_stored(&format!("sha512:{}", "A".repeat(86))).unwrap();
    Arc::make_mut(&mut key.details).foreign = Some(Box::new(hash));
    assert_eq!(key.clone().rotated(&begin(1, RotateSecret::default()), NOW), Err(RotationRefused::Foreign));
    let at_once = RotateSecret { cut: Cut::Now, ..RotateSecret::default() };
    let rotated = key.rotated(&begin(1, at_once), NOW).unwrap().key;
    assert!(rotated.details.foreign.is_none() && rotated.details.rotation.is_none());
}
