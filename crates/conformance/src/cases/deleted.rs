use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::key::{Actor, Deletion, EditKey, EditKeys, KeyPatch, Revocation};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::usage::Usage;
use keymint_domain::value::UserId;
use keymint_domain::{ApiKey, ErrorCode, KeyId, Timestamp};
use keymint_ports::{
    BulkChange, BulkPortion, DeletedKey, DeletedQuery, ImportOutcome, KeyStore, KeyStub, RestoredKey, StoreError,
};

use crate::Engine;
use crate::sample::{self, NOW, UNRECORDED, id};
use crate::support::{
    PATIENCE, abandon, accepted, at_once, code, everything, found, insert_all, open_two, settle, spend,
};

/// Instants that every clock has passed, so that an engine's own clock changes nothing.
const UNTIL: Timestamp = Timestamp::from_millis(1_700_000_000_009);

pub(super) fn deletion() -> Deletion {
    Deletion { at: NOW, by: Actor::User(UserId::parse("ada").unwrap()), until: UNTIL }
}

async fn set_aside(store: &impl KeyStore, key: &ApiKey) {
    assert!(store.set_aside(&key.details.id, &deletion(), &UNRECORDED).await.unwrap());
}

async fn restore(store: &impl KeyStore, id: &KeyId) -> Option<ApiKey> {
    match store.restore(id, None, NOW, &UNRECORDED).await.unwrap() {
        Some(RestoredKey::Key(key)) => Some(key),
        Some(RestoredKey::Unreadable(row)) => panic!("{row:?}"),
        None => None,
    }
}

async fn list(store: &impl KeyStore) -> Vec<DeletedKey> {
    let query = DeletedQuery { owner: None, configurations: ConfigFilter::Any, offset: 0, limit: 1000 };
    store.list_deleted(&query).await.unwrap()
}

/// A key with every counter.
fn used(name: &str) -> ApiKey {
    sample::key_with(name, |details, usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(50), Some(1000));
        *usage = Usage {
            remaining: Some(5),
            last_refill_at: Some(NOW.minus_millis(3)),
            request_count: 2,
            last_request: Some(NOW.minus_millis(2)),
            backlog_ns: Some(1_234_567),
            updated_at: NOW.minus_millis(1),
        }
    })
}

pub async fn a_deleted_key_is_nowhere_until_it_is_restored_as_it_was<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let (key, stays) = (used("key"), sample::key("stays"));
    insert_all(&*store, &[key.clone(), stays.clone()]).await;
    assert_eq!(code(&spend(&*other, "key", NOW).await), None);
    let key = found(&*store, &key.details.id).await;
    set_aside(&*store, &key).await;
    for handle in [&store, &other] {
        assert_eq!(code(&spend(&**handle, "key", NOW).await), Some(ErrorCode::InvalidApiKey));
        assert_eq!(handle.find(&id("key")).await.unwrap(), None);
        assert_eq!(handle.find_stub(&id("key")).await.unwrap(), None);
        assert_eq!(everything(&**handle).await, std::slice::from_ref(&stays));
    }
    let patch = sample::patch(EditKey { enabled: Some(true), ..EditKey::default() });
    assert_eq!(other.update(&id("key"), &patch, NOW, &UNRECORDED).await.unwrap(), None);
    assert!(!other.remove(&id("key"), &UNRECORDED).await.unwrap());
    assert!(!other.set_aside(&id("key"), &deletion(), &UNRECORDED).await.unwrap());
    let all = EditKeys { enabled: Some(true), ..EditKeys::default() }.check().unwrap();
    let all = BulkChange { owner: None, configurations: ConfigFilter::Any, patch: all, now: NOW };
    let portion = other.update_many(&all, None, NonZeroU32::MAX, &UNRECORDED).await.unwrap();
    assert_eq!(portion, BulkPortion { unchanged: 1, ..BulkPortion::default() });
    assert_eq!(restore(&*other, &id("key")).await, Some(key.clone()));
    assert_eq!(found(&*store, &id("key")).await, key, "no time has passed for its quota");
    assert_eq!((list(&*store).await, restore(&*store, &id("key")).await), (Vec::new(), None));
    for handle in [&store, &other] {
        assert_eq!(code(&spend(&**handle, "key", NOW).await), None);
    }
}

pub async fn deleted_keys_are_found_and_listed_with_their_deletion<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let named = |name: &str, owner: &str, config: &str| {
        sample::key_with(name, |details, _| {
            (details.owner, details.config_id) = (sample::owner(owner), sample::config(config));
            (details.name, details.start) = (Some(format!("the {name}")), Some("sk_s".to_owned()));
        })
    };
    let keys = [named("a", "ada", "default"), named("b", "bob", "other"), named("c", "ada", "other")];
    insert_all(&*store, &keys).await;
    let mut expected = Vec::new();
    for (later, key) in (0..).zip(&keys) {
        let deletion = Deletion { at: NOW.plus_millis(later / 2), by: Actor::Server, until: UNTIL };
        assert!(store.set_aside(&key.details.id, &deletion, &UNRECORDED).await.unwrap());
        let stub = KeyStub {
            owner: Some(key.details.owner.clone()),
            config_id: Some(key.details.config_id.clone()),
            stored: vec![key.details.stored.clone()],
        };
        let (name, start) = (key.details.name.clone(), key.details.start.clone());
        expected.push(DeletedKey { id: key.details.id.clone(), stub, name, start, deletion });
    }
    assert_eq!(other.find_deleted(&id("b")).await.unwrap().as_ref(), Some(&expected[1]));
    assert_eq!(other.find_deleted(&id("none")).await.unwrap(), None);
    expected.rotate_right(1);
    assert_eq!(list(&*other).await, expected, "the last deleted first, then by id");
    let any = ConfigFilter::Any;
    let page = |owner: Option<&str>, configurations: &ConfigFilter, offset, limit| {
        let (owner, configurations) = (owner.map(sample::owner), configurations.clone());
        DeletedQuery { owner, configurations, offset, limit }
    };
    let of_other = ConfigFilter::AnyOf(vec![sample::config("other")]);
    for (query, ids) in [
        (page(Some("ada"), &any, 0, 9), &["c", "a"][..]),
        (page(None, &of_other, 0, 9), &["c", "b"]),
        (page(Some("Ada"), &any, 0, 9), &[]),
        (page(None, &any, 1, 1), &["a"]),
        (page(None, &any, 3, 1), &[]),
    ] {
        let found: Vec<_> = store.list_deleted(&query).await.unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(found, ids.iter().map(|name| id(name)).collect::<Vec<_>>(), "{query:?}");
    }
}

pub async fn a_key_whose_id_or_secret_is_taken_by_now_stays_deleted<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = ["a", "b"].map(sample::key);
    insert_all(&*store, &keys).await;
    for key in &keys {
        set_aside(&*store, key).await;
    }
    let of_id = sample::key_with("a", |details, _| details.stored = sample::plain("else").hash());
    let of_secret = sample::key_with("c", |details, _| details.stored = sample::plain("b").hash());
    let taken = [of_id, of_secret];
    let outcomes = other.import(&taken, &UNRECORDED).await.unwrap();
    assert_eq!(outcomes, [ImportOutcome::Added, ImportOutcome::Added], "a deleted key takes neither");
    for key in &keys {
        let refused = store.restore(&key.details.id, None, NOW, &UNRECORDED).await;
        assert!(matches!(refused, Err(StoreError::Duplicate)), "{refused:?}");
    }
    assert_eq!((everything(&*store).await, list(&*store).await.len()), (taken.to_vec(), 2));
    assert!(other.remove(&id("a"), &UNRECORDED).await.unwrap());
    assert_eq!(restore(&*store, &id("a")).await.as_ref(), Some(&keys[0]));
}

pub async fn a_key_is_restored_only_where_its_owner_has_room<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let revocation = Revocation { at: NOW, by: Actor::Server };
    let [first, second] = ["a", "b"].map(sample::key);
    let revoked = sample::key("c").patched(&KeyPatch::revoking(revocation), NOW);
    let expired = sample::key_with("d", |details, _| details.expires_at = Some(NOW.minus_millis(1)));
    for key in [&first, &revoked, &expired] {
        store.insert(key, None, &UNRECORDED).await.unwrap();
        set_aside(&*store, key).await;
    }
    store.insert(&second, NonZeroU32::new(1), &UNRECORDED).await.unwrap();
    let restore = |key: &ApiKey, max| {
        let (other, id) = (Arc::clone(&other), key.details.id.clone());
        async move { other.restore(&id, NonZeroU32::new(max), NOW, &UNRECORDED).await }
    };
    let full = restore(&first, 1).await;
    assert!(matches!(full, Err(StoreError::OwnerFull)), "{full:?}");
    for key in [&revoked, &expired] {
        assert_eq!(restore(key, 1).await.unwrap(), Some(RestoredKey::Key(key.clone())), "it takes no place");
    }
    assert_eq!(restore(&first, 2).await.unwrap(), Some(RestoredKey::Key(first)));
}

pub async fn of_many_restorations_and_deletions_each_key_is_kept_once<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let key = used("key");
    insert_all(&*stores[0], std::slice::from_ref(&key)).await;
    for _ in 0..4 {
        let deletions = (0..8).map(|turn| {
            let store = Arc::clone(&stores[turn % 2]);
            async move { store.set_aside(&id("key"), &deletion(), &UNRECORDED).await.unwrap() }
        });
        assert_eq!(at_once(deletions).await.into_iter().filter(|is_first| *is_first).count(), 1);
        assert_eq!((list(&*stores[1]).await.len(), everything(&*stores[0]).await.len()), (1, 0));
        let restorations = (0..8).map(|turn| {
            let store = Arc::clone(&stores[turn % 2]);
            async move { store.restore(&id("key"), NonZeroU32::new(1), NOW, &UNRECORDED).await }
        });
        let restored = at_once(restorations).await;
        assert_eq!(restored.iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count(), 1, "{restored:?}");
        assert_eq!((list(&*stores[0]).await.len(), everything(&*stores[1]).await), (0, vec![key.clone()]));
    }
}

pub async fn deleted_keys_are_purged_when_their_time_has_ended<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = ["a", "b", "c", "d"].map(sample::key);
    insert_all(&*store, &keys).await;
    for (later, key) in (0..).zip(&keys) {
        let deletion = Deletion { until: UNTIL.minus_millis(later), ..deletion() };
        assert!(store.set_aside(&key.details.id, &deletion, &UNRECORDED).await.unwrap());
    }
    let one = NonZeroU32::new(1).unwrap();
    assert_eq!(store.purge_deleted(UNTIL.minus_millis(3), one).await.unwrap(), 0, "it is the last instant");
    assert_eq!(store.purge_deleted(UNTIL, one).await.unwrap(), 1);
    assert_eq!(other.find_deleted(&id("d")).await.unwrap(), None, "the longest ended goes first");
    assert_eq!(other.purge_deleted(UNTIL, NonZeroU32::new(9).unwrap()).await.unwrap(), 2);
    let left: Vec<_> = list(&*store).await.into_iter().map(|key| key.id).collect();
    assert_eq!(left, [id("a")]);
    assert_eq!(restore(&*store, &id("b")).await, None);
}

pub async fn deletions_that_are_dropped_at_any_point_leave_a_key_here_or_there<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = used("key");
    insert_all(&*store, std::slice::from_ref(&key)).await;
    for polls in 0..40 {
        abandon(store.set_aside(&id("key"), &deletion(), &UNRECORDED), polls).await;
        abandon(store.restore(&id("key"), NonZeroU32::new(1), NOW, &UNRECORDED), polls).await;
        // A dropped call may still be running: the next write by the same handle waits for its end.
        store.probe().await.unwrap();
        let places = (everything(&*other).await, list(&*other).await.len());
        assert!([(vec![key.clone()], 0), (Vec::new(), 1)].contains(&places), "{places:?}");
    }
    let change = async {
        other.set_aside(&id("key"), &deletion(), &UNRECORDED).await.unwrap();
        assert_eq!(restore(&*other, &id("key")).await, Some(key));
    };
    tokio::time::timeout(PATIENCE, change).await.unwrap();
}

pub async fn a_key_in_use_is_deleted_with_every_use_that_was_accepted<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key_with_quota("key", 1000)]).await;
    let spends = (0..20).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move {
            if turn == 10 {
                assert!(store.set_aside(&id("key"), &deletion(), &UNRECORDED).await.unwrap());
                return 0;
            }
            let attempts = [sample::attempt("key")];
            let verdicts = settle(&*store, &attempts, &Policy::default(), NOW).await;
            accepted(&verdicts)
        }
    });
    let accepted: u64 = at_once(spends).await.into_iter().sum();
    let restored = restore(&*stores[1], &id("key")).await.unwrap();
    assert_eq!(restored.usage.remaining, Some(1000 - accepted));
}
