use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::future::join;
use keymint_domain::key::{Actor, EditKeys, KeyPatch, Revocation};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::Verdict;
use keymint_domain::{ApiKey, ErrorCode, Timestamp};
use keymint_ports::{BulkChange, BulkCursor, BulkPortion, KeyStore};

use crate::Engine;
use crate::sample::{self, NOW, UNRECORDED};
use crate::support::{PATIENCE, abandon, accepted, code, everything, found, insert_all, open_two, settle, spend};

const LATER: Timestamp = Timestamp::from_millis(1_700_000_000_005);

fn change_of(owner: Option<&str>, patch: KeyPatch) -> BulkChange {
    BulkChange { owner: owner.map(sample::owner), configurations: ConfigFilter::Any, patch, now: LATER }
}

fn revoking() -> KeyPatch {
    KeyPatch::revoking(Revocation { at: LATER, by: Actor::Server })
}

fn editing(edit: EditKeys) -> KeyPatch {
    edit.check().unwrap()
}

fn rows(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Makes a change in portions of `limit` rows, on both handles in turn. Returns the outcomes of all portions together.
async fn change<S: KeyStore>(stores: &[Arc<S>; 2], change: &BulkChange, limit: u32) -> BulkPortion {
    let (mut all, mut turn) = (BulkPortion::default(), 0);
    loop {
        let from = all.next.take().map(|next| BulkCursor::parse(&next.to_string()).unwrap());
        let portion = stores[turn % 2].update_many(change, from, rows(limit), &UNRECORDED).await.unwrap();
        let BulkPortion { changed, stored, unchanged, unreadable, next } = portion;
        assert!(changed + unchanged <= limit.into());
        all.changed += changed;
        all.stored.extend(stored);
        all.unchanged += unchanged;
        all.unreadable.extend(unreadable);
        all.next = next;
        turn += 1;
        if all.next.is_none() {
            return all;
        }
    }
}

/// Makes keys of several owners, configurations and instants, whose ids are in another order than their instants.
fn mixed() -> Vec<ApiKey> {
    let key = |number: u64, owner: &str, config: &str| {
        let name = format!("{}{}:{owner}|{config}", 9 - number % 5, number);
        sample::key_with(&name, |details, _| {
            details.owner = sample::owner(owner);
            details.config_id = sample::config(config);
            // Several of one instant, and some before 1970.
            details.created_at = NOW.minus_millis(1_000_000_000_000 * (number % 3));
        })
    };
    let keys = (0..9).map(|number| key(number, "ada", if number % 4 == 0 { "other" } else { "default" }));
    keys.chain((9..13).map(|number| key(number, "Ada", "default"))).collect()
}

pub async fn a_change_of_many_keys_changes_those_that_it_selects_and_no_others<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let keys = mixed();
    insert_all(&*stores[0], &keys).await;
    for key in &keys {
        spend_of(&*stores[1], key).await;
    }
    let before = everything(&*stores[0]).await;
    let edit = EditKeys { rate_limit_max: Some(7), rate_limit_window_ms: Some(60_000), ..EditKeys::default() };
    let all = change(&stores, &change_of(None, editing(edit)), 4).await;
    assert_eq!((all.changed, all.unchanged, all.stored.len()), (13, 0, 13));
    let disabling = editing(EditKeys { enabled: Some(false), ..EditKeys::default() });
    let other = ConfigFilter::AnyOf(vec![sample::config("other")]);
    let of_configuration = BulkChange { configurations: other, ..change_of(None, disabling) };
    let some = change(&stores, &of_configuration, 2).await;
    assert_eq!((some.changed, some.unchanged, some.stored.len()), (3, 0, 3));
    let of_owner = change(&stores, &change_of(Some("ada"), revoking()), 2).await;
    assert_eq!((of_owner.changed, of_owner.unchanged), (9, 0));
    let expected: Vec<_> = before.into_iter().map(|key| expected(key, &of_configuration.patch, edit)).collect();
    for store in &stores {
        assert_eq!(everything(&**store).await, expected);
        for key in &keys {
            let is_adas = key.details.owner == sample::owner("ada");
            assert_eq!(code(&spend_of(&**store, key).await), is_adas.then_some(ErrorCode::KeyDisabled));
        }
    }
}

async fn spend_of(store: &impl KeyStore, key: &ApiKey) -> Verdict {
    spend(store, key.details.id.as_str(), NOW).await
}

fn expected(key: ApiKey, disabling: &KeyPatch, edit: EditKeys) -> ApiKey {
    let mut key = key.patched(&editing(edit), LATER);
    if key.details.config_id == sample::config("other") {
        key = key.patched(disabling, LATER);
    }
    if key.details.owner == sample::owner("ada") {
        key = key.patched(&revoking(), LATER);
    }
    key
}

pub async fn a_repeated_change_of_many_keys_changes_nothing<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &mixed()).await;
    change(&stores, &change_of(Some("ada"), revoking()), 100).await;
    let before = everything(&*stores[1]).await;
    let again = BulkChange { now: LATER.plus_millis(1), ..change_of(Some("ada"), revoking()) };
    let repeated = change(&stores, &again, 3).await;
    assert_eq!(repeated, BulkPortion { unchanged: 9, ..BulkPortion::default() });
    let enabling = editing(EditKeys { enabled: Some(true), ..EditKeys::default() });
    let enabled = change(&stores, &change_of(None, enabling), 3).await;
    assert_eq!((enabled.changed, enabled.unchanged), (0, 13), "no revocation is taken back");
    assert_eq!(everything(&*stores[1]).await, before);
    let nobodys = change(&stores, &change_of(Some("nobody"), revoking()), 3).await;
    assert_eq!(nobodys, BulkPortion::default());
}

pub async fn a_preview_of_a_change_of_many_keys_counts_and_changes_nothing<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &mixed()).await;
    let disabling = editing(EditKeys { enabled: Some(false), ..EditKeys::default() });
    stores[0].update(&mixed()[0].details.id, &disabling, NOW, &UNRECORDED).await.unwrap().unwrap();
    let before = everything(&*stores[1]).await;
    let (change, mut from, mut counts) = (change_of(None, disabling), None, [0, 0]);
    loop {
        let portion = stores[1].preview_update_many(&change, from, rows(5)).await.unwrap();
        counts = [counts[0] + portion.changed, counts[1] + portion.unchanged];
        from = portion.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(counts, [12, 1]);
    assert_eq!(everything(&*stores[0]).await, before);
}

pub async fn a_change_of_many_keys_goes_on_behind_a_key_that_was_removed<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &mixed()).await;
    for owner in [Some("ada"), None] {
        let max = if owner.is_some() { 7 } else { 8 };
        let patch = editing(EditKeys { rate_limit_max: Some(max), ..EditKeys::default() });
        let change = change_of(owner, patch);
        let first = store.update_many(&change, None, rows(3), &UNRECORDED).await.unwrap();
        assert_eq!(first.changed, 3);
        let changed = |key: &&ApiKey| key.details.rate_limit_max == Some(max);
        for key in everything(&*other).await.iter().filter(changed) {
            assert!(other.remove(&key.details.id, &UNRECORDED).await.unwrap());
        }
        let rest = store.update_many(&change, first.next, rows(100), &UNRECORDED).await.unwrap();
        let is_selected = |key: &&ApiKey| owner.is_none_or(|owner| key.details.owner == sample::owner(owner));
        let left = everything(&*other).await;
        assert_eq!(rest.changed, left.iter().filter(is_selected).count() as u64);
        assert!(left.iter().filter(is_selected).all(|key| changed(&key)));
    }
}

pub async fn changes_of_many_keys_and_spends_at_once_lose_neither<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let keys: Vec<_> = (0..40).map(|number| sample::key_with_quota(&format!("key {number}"), 1000)).collect();
    insert_all(&*stores[0], &keys).await;
    let attempts: Vec<_> = keys.iter().rev().map(|key| sample::attempt(key.details.id.as_str())).collect();
    let spends = async {
        let mut answers = Vec::new();
        for turn in 0..20 {
            answers.extend(settle(&*stores[turn % 2], &attempts, &Policy::default(), NOW).await);
        }
        accepted(&answers)
    };
    let changes = async {
        let mut changed = 0;
        for turn in 0..20 {
            let patch = editing(EditKeys { rate_limit_max: Some(turn + 1), ..EditKeys::default() });
            changed += change(&stores, &change_of(Some("ada"), patch), 16).await.changed;
        }
        changed
    };
    let both = tokio::time::timeout(PATIENCE, join(spends, changes)).await.unwrap();
    assert_eq!(both, (800, 800));
    for key in everything(&*stores[1]).await {
        assert_eq!((key.usage.remaining, key.details.rate_limit_max), (Some(980), Some(20)));
    }
}

pub async fn a_change_of_many_keys_that_is_dropped_leaves_whole_portions<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys: Vec<_> = (0..6).map(|number| sample::key(&format!("key {number}"))).collect();
    insert_all(&*store, &keys).await;
    for polls in 0..40_u32 {
        let max = u64::from(polls) + 1;
        let patch = editing(EditKeys { rate_limit_max: Some(max), ..EditKeys::default() });
        let polls = usize::try_from(polls).unwrap();
        abandon(store.update_many(&change_of(Some("ada"), patch), None, rows(3), &UNRECORDED), polls).await;
        // A dropped call may still be running: the next write by the same handle waits for its end.
        store.probe().await.unwrap();
        let mut changed = 0;
        for key in &keys {
            changed += u32::from(found(&*other, &key.details.id).await.details.rate_limit_max == Some(max));
        }
        assert!([0, 3].contains(&changed), "{changed}");
    }
    let (stores, revocation) = ([store, other], change_of(None, revoking()));
    let whole = tokio::time::timeout(PATIENCE, change(&stores, &revocation, 4)).await.unwrap();
    assert_eq!(whole.changed, 6);
}
