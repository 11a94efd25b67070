use keymint_domain::event::{Event, SealedEvent};
use keymint_domain::key::{Actor, Revocation};
use keymint_domain::notice::Expiry;
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::{KeyDetails, Timestamp};
use keymint_ports::{EventStore as _, KeyStore as _, Removed};

use super::{all_events, kinds, origin};
use crate::EventEngine;
use crate::sample::{self, NOW, id};
use crate::support::open_two;

pub async fn clean_up_records_every_key_that_it_removes<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    for number in 0..250 {
        let key = sample::key_with(&format!("{number:03}"), |details, _| details.expires_at = Some(NOW));
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    }
    let exhausted = sample::key_with_quota("exhausted", 0);
    store.insert(&exhausted, None, &sample::UNRECORDED).await.unwrap();
    let later = NOW.plus_millis(1);
    let removed = store.remove_expired(&ConfigFilter::Any, later, 0, 1000, &origin(1)).await.unwrap();
    assert_eq!(removed.removed, 250);
    let policy = Policy::default();
    assert_eq!(store.remove_exhausted(&[id("exhausted")], &policy, later, &origin(2)).await.unwrap().removed, 1);
    let mut keys: Vec<_> = all_events(&*store).await.into_iter().map(|event| event.row.key_id.unwrap()).collect();
    keys.sort();
    let expected: Vec<_> = (0..250).map(|number| format!("{number:03}")).chain(["exhausted".to_owned()]).collect();
    assert_eq!(keys, expected);
}

pub async fn clean_up_announces_an_expiry_before_it_removes_the_key<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let expired_at = NOW.minus_millis(1000);
    let with = |id: &str, expires_at: Timestamp, change: fn(&mut KeyDetails)| {
        sample::key_with(id, |details, _| {
            details.expires_at = Some(expires_at);
            change(details);
        })
    };
    let keys = [
        with("a", expired_at, |_| {}),
        with("b", expired_at, |_| {}),
        with("disabled", expired_at, |details| details.enabled = false),
        with("revoked", expired_at, |details| {
            details.revocation = Some(Revocation { at: NOW, by: Actor::Server });
        }),
        with("late", NOW.minus_millis(5001), |_| {}),
    ];
    for key in &keys {
        store.insert(key, None, &sample::UNRECORDED).await.unwrap();
    }
    let notice = Expiry::from(&keys[0]).notice(NOW).unwrap();
    assert!(store.record(&Event::of_notice(&keys[0].details, &notice, NOW)).await.unwrap());
    let announcing = |number| origin(number).announcing(5000);
    let removed = other.remove_expired(&ConfigFilter::Any, NOW, 0, 100, &announcing(1)).await.unwrap();
    assert_eq!(removed, Removed { expiries_told: 1, ..Removed::all(5) }, "the notice of one of them exists");
    // The job may have read the keys before they were removed.
    for key in &keys[..2] {
        assert!(!store.record(&Event::of_notice(&key.details, &notice, NOW)).await.unwrap(), "it exists");
    }
    let told = |event: SealedEvent| {
        let kind = event.row.kind.strip_prefix("keymint.key.").unwrap().to_owned();
        (event.row.key_id.unwrap(), kind, event.row.actor)
    };
    let events: Vec<_> = all_events(&*store).await.into_iter().map(told).collect();
    let of = |key: &str| -> Vec<_> {
        let of_key = events.iter().filter(|(id, _, _)| id == key);
        of_key.map(|(_, kind, actor)| (kind.as_str(), actor.as_str())).collect()
    };
    for key in ["a", "b"] {
        assert_eq!(of(key), [("expired", "keymint"), ("deleted", "server")], "{key}");
    }
    for key in ["disabled", "revoked", "late"] {
        assert_eq!(of(key), [("deleted", "server")], "{key}");
    }
    // An exhausted key may have expired, too.
    let exhausted = sample::key_with("exhausted", |details, usage| {
        details.expires_at = Some(expired_at);
        usage.remaining = Some(0);
    });
    store.insert(&exhausted, None, &sample::UNRECORDED).await.unwrap();
    let policy = Policy::default();
    let removed = store.remove_exhausted(&[id("exhausted")], &policy, NOW, &announcing(2)).await.unwrap();
    assert_eq!(removed, Removed { expiries_told: 1, ..Removed::all(1) });
    assert_eq!(kinds(&*store).await[events.len()..], ["key.expired", "key.deleted"]);
}
