//! Notices: each is due at its time, and has one name on every node.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::key::{Actor, NewKey, PlainKey, Revocation};
use keymint_domain::notice::{Notice, NoticeKind, UseFacts, due};
use keymint_domain::policy::Notices;
use keymint_domain::{ApiKey, Configuration, OwnerId, Timestamp};
use proptest::prelude::*;

const DAY_MS: u64 = 86_400_000;
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn day(number: u64) -> Timestamp {
    START.plus_millis(number * DAY_MS)
}

/// Returns a key that was made at the start.
fn key(expires_at: Option<Timestamp>) -> ApiKey {
    let configuration = Configuration::default();
    let new = NewKey::default().check(&configuration).unwrap();
    let plain = PlainKey::generate("", 32, &mut |bytes: &mut [u8]| bytes.fill(7));
    let mut key = new.mint(OwnerId::parse("ada").unwrap(), plain, &mut |bytes: &mut [u8]| bytes.fill(3), START).key;
    Arc::make_mut(&mut key.details).expires_at = expires_at;
    key
}

fn kinds(key: &ApiKey, facts: UseFacts, settings: &Notices, now: Timestamp) -> Vec<NoticeKind> {
    due(key, facts, settings, now).into_iter().map(|notice| notice.kind).collect()
}

/// Settings of expiry notices alone.
fn expiry_only() -> Notices {
    Notices { idle_days: None, ..Notices::default() }
}

#[test]
fn an_expiry_is_announced_thirty_ten_and_one_days_before_and_when_it_has_come() {
    let key = key(Some(day(100)));
    let at = |now| kinds(&key, UseFacts::default(), &expiry_only(), now);
    assert_eq!(at(day(69)), []);
    assert_eq!(at(day(70)), [NoticeKind::Expiring { days: 30 }]);
    assert_eq!(at(day(89)), [NoticeKind::Expiring { days: 30 }]);
    assert_eq!(at(day(90)), [NoticeKind::Expiring { days: 10 }]);
    assert_eq!(at(day(99)), [NoticeKind::Expiring { days: 1 }]);
    assert_eq!(at(day(100)), [NoticeKind::Expiring { days: 1 }], "its last valid instant");
    assert_eq!(at(day(100).plus_millis(1)), [NoticeKind::Expired]);
    assert_eq!(at(day(130)), [NoticeKind::Expired]);
    assert_eq!(at(day(131)), [], "too late to be news");
}

#[test]
fn a_key_that_is_made_for_a_week_has_no_notice_of_thirty_days() {
    let key = key(Some(day(7)));
    assert_eq!(kinds(&key, UseFacts::default(), &expiry_only(), day(1)), []);
    assert_eq!(kinds(&key, UseFacts::default(), &expiry_only(), day(6)), [NoticeKind::Expiring { days: 1 }]);
}

#[test]
fn an_idle_key_is_announced_after_the_last_use_by_record_or_counters() {
    let mut key = key(None);
    let settings = Notices::default();
    let never = UseFacts::default();
    assert_eq!(kinds(&key, never, &settings, day(89)), []);
    assert_eq!(
        due(&key, never, &settings, day(90)),
        [Notice { kind: NoticeKind::Idle, about: START, due_at: day(90) }]
    );
    key.usage.last_request = Some(day(10));
    assert_eq!(kinds(&key, never, &settings, day(99)), []);
    assert_eq!(
        due(&key, never, &settings, day(100)),
        [Notice { kind: NoticeKind::Idle, about: day(10), due_at: day(100) }]
    );
    let recorded = UseFacts { last_used_at: Some(day(50)), ..never };
    assert_eq!(kinds(&key, recorded, &settings, day(139)), []);
    assert_eq!(
        due(&key, recorded, &settings, day(140)),
        [Notice { kind: NoticeKind::Idle, about: day(50), due_at: day(140) }]
    );
    assert_eq!(kinds(&key, recorded, &settings, day(171)), [], "too late to be news");
}

#[test]
fn rotation_is_due_by_the_age_of_the_secret() {
    let key = key(None);
    let settings = Notices { rotation_days: NonZeroU32::new(60), ..expiry_only() };
    let facts = UseFacts { rotated_at: Some(day(20)), ..UseFacts::default() };
    assert_eq!(kinds(&key, UseFacts::default(), &settings, day(60)), [NoticeKind::RotationDue]);
    assert_eq!(kinds(&key, facts, &settings, day(79)), []);
    assert_eq!(
        due(&key, facts, &settings, day(80)),
        [Notice { kind: NoticeKind::RotationDue, about: day(20), due_at: day(80) }]
    );
    assert_eq!(kinds(&key, facts, &expiry_only(), day(80)), [], "not asked for");
}

#[test]
fn nobody_hears_about_keys_that_are_disabled_or_revoked() {
    let mut disabled = key(Some(day(100)));
    let mut revoked = disabled.clone();
    Arc::make_mut(&mut disabled.details).enabled = false;
    Arc::make_mut(&mut revoked.details).revocation = Some(Revocation { at: day(1), by: Actor::Server });
    for key in [disabled, revoked] {
        for now in [day(75), day(95), day(101)] {
            assert_eq!(kinds(&key, UseFacts::default(), &Notices::default(), now), []);
        }
    }
}

#[test]
fn a_changed_expiry_is_news() {
    let periods = |expires_at| -> Vec<String> {
        let notices = due(&key(Some(expires_at)), UseFacts::default(), &expiry_only(), day(95));
        notices.iter().map(Notice::period).collect()
    };
    assert_eq!(periods(day(100)), [format!("expiring-10-{}", day(100).as_millis())]);
    assert_ne!(periods(day(100)), periods(day(101)));
}

proptest! {
    /// Nodes look at different times, and as often as they like: together they make the same few notices.
    #[test]
    fn each_notice_exists_once_whenever_nodes_look(
        lifetime in 1_u64..400,
        looks in prop::collection::vec(0_u64..500 * DAY_MS, 1..200),
    ) {
        let key = key(Some(day(lifetime)));
        let periods_at = |look: u64| {
            due(&key, UseFacts::default(), &Notices::default(), START.plus_millis(look)).into_iter().map(|notice| notice.period())
        };
        let some: BTreeSet<_> = looks.iter().flat_map(|look| periods_at(*look)).collect();
        let hourly: BTreeSet<_> = (0..500 * 24).flat_map(|hour| periods_at(hour * DAY_MS / 24)).collect();
        prop_assert!(some.is_subset(&hourly), "{some:?} {hourly:?}");
        // An hourly job misses none: those that fit the lifetime, the expiry, and at most one of an idle key.
        let expected = [30, 10, 1].iter().filter(|days| lifetime > **days).count() + 1 + usize::from(lifetime >= 90);
        prop_assert_eq!(hourly.len(), expected, "{:?}", hourly);
    }
}
