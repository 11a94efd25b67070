use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ApiKey, Configuration, KeyId, Policy, Timestamp};
use keymint_ports::{KeyStore, Removed};

use crate::Engine;
use crate::sample::{self, NOW, config, id};
use crate::support::{everything, ids, insert_all, open_two};

fn expiring(id: &str, under: &str, expires_at: Option<Timestamp>) -> ApiKey {
    sample::key_with(id, |details, _| {
        details.config_id = config(under);
        details.expires_at = expires_at;
    })
}

fn expiring_in(id: &str, ms: u64) -> ApiKey {
    expiring(id, "default", Some(NOW.plus_millis(ms)))
}

pub async fn keys_are_removed_that_expired_strictly_before<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = [expiring_in("a", 0), expiring_in("b", 1), expiring_in("c", 2), expiring("d", "default", None)];
    insert_all(&*store, &keys).await;
    let removed =
        |before: u64| store.remove_expired(&ConfigFilter::Any, NOW.plus_millis(before), 0, 100, &sample::UNRECORDED);
    assert_eq!(removed(0).await.unwrap(), Removed::all(0));
    assert_eq!(removed(1).await.unwrap(), Removed::all(1));
    assert_eq!(ids(&everything(&*other).await), ["b", "c", "d"]);
    assert_eq!(removed(3).await.unwrap(), Removed::all(2));
    assert_eq!(
        store.remove_expired(&ConfigFilter::Any, Timestamp::MAX, 0, u32::MAX, &sample::UNRECORDED).await.unwrap(),
        Removed::all(0)
    );
    assert_eq!(ids(&everything(&*other).await), ["d"], "a key that never expires stays");
}

pub async fn the_longest_expired_go_first_up_to_the_limit<E: Engine>(engine: &E) {
    let store = engine.open().await;
    // The key that expired first was made last and has the largest id.
    let keys: Vec<_> = (0..6_u64)
        .map(|turn| {
            sample::key_with(&format!("key {turn}"), |details, _| {
                details.created_at = NOW.plus_millis(turn);
                details.expires_at = Some(NOW.plus_millis(1000 - 100 * turn));
            })
        })
        .collect();
    insert_all(&store, &keys).await;
    for (limit, removed, left) in [(0, 0, 6), (1, 1, 5), (3, 3, 2), (3, 2, 0)] {
        let before = NOW.plus_millis(5000);
        assert_eq!(
            store.remove_expired(&ConfigFilter::Any, before, 0, limit, &sample::UNRECORDED).await.unwrap(),
            Removed::all(removed)
        );
        assert_eq!(everything(&store).await, keys[..left]);
    }
    insert_all(&store, &keys).await;
    let passed_over =
        store.remove_expired(&ConfigFilter::Any, NOW.plus_millis(5000), 4, 1, &sample::UNRECORDED).await.unwrap();
    assert_eq!(passed_over, Removed::all(1));
    assert_eq!(ids(&everything(&store).await), ["key 0", "key 2", "key 3", "key 4", "key 5"]);
}

pub async fn only_the_configurations_asked_for_are_cleaned<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let keys = ["default", "eu", "us", "za"].map(|under| expiring(under, under, Some(NOW)));
    insert_all(&store, &keys).await;
    let later = NOW.plus_millis(1);
    let any_of = |ids: &[&str]| ConfigFilter::AnyOf(ids.iter().map(|id| config(id)).collect());
    for (filter, removed, left) in [
        (any_of(&[]), 0, vec!["default", "eu", "us", "za"]),
        (any_of(&["nowhere"]), 0, vec!["default", "eu", "us", "za"]),
        (ConfigFilter::NoneOf(["default", "eu", "us", "za"].map(config).into()), 0, vec!["default", "eu", "us", "za"]),
        (any_of(&["eu", "za", "nowhere"]), 2, vec!["default", "us"]),
        (ConfigFilter::NoneOf(vec![config("us")]), 1, vec!["us"]),
        (ConfigFilter::NoneOf(Vec::new()), 1, vec![]),
    ] {
        assert_eq!(
            store.remove_expired(&filter, later, 0, 100, &sample::UNRECORDED).await.unwrap(),
            Removed::all(removed),
            "{filter:?}"
        );
        assert_eq!(ids(&everything(&store).await), left, "{filter:?}");
    }
}

pub async fn exhausted_keys_are_removed_and_no_others<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let refillable = sample::key_with("refillable", |details, usage| {
        details.refill_amount = Some(1);
        details.refill_interval_ms = Some(1);
        usage.remaining = Some(0);
    });
    let keys = [
        sample::key_with_quota("exhausted", 0),
        sample::key_with_quota("not asked for", 0),
        sample::key_with_quota("one left", 1),
        sample::key("without quota"),
        refillable,
    ];
    insert_all(&*store, &keys).await;
    let mut asked = ["missing", "exhausted", "one left", "without quota", "refillable", "exhausted"].map(id).to_vec();
    asked.extend((0..1500).map(|turn| id(&format!("missing {turn}"))));
    assert_eq!(
        store.remove_exhausted(&asked, &Policy::default(), NOW, &sample::UNRECORDED).await.unwrap(),
        Removed::all(1)
    );
    let left: Vec<_> = everything(&*other).await;
    assert_eq!(ids(&left), ["not asked for", "one left", "refillable", "without quota"]);
    assert_eq!(
        store.remove_exhausted(&asked, &Policy::default(), NOW, &sample::UNRECORDED).await.unwrap(),
        Removed::all(0)
    );
    assert_eq!(
        store.remove_exhausted(&[], &Policy::default(), NOW, &sample::UNRECORDED).await.unwrap(),
        Removed::all(0)
    );
}

pub async fn exhausted_keys_stay_for_the_retention_of_their_configuration<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let keeping = |id: &str, retention_ms| Configuration { retention_ms, ..Configuration::new(config(id)) };
    let policy = Policy::new(vec![keeping("default", 0), keeping("day", 1000)]).unwrap();
    let exhausted = |id: &str, under: &str| {
        sample::key_with(id, |details, usage| {
            details.config_id = config(under);
            usage.remaining = Some(0);
        })
    };
    insert_all(&store, &[exhausted("a", "default"), exhausted("b", "day"), exhausted("c", "unknown")]).await;
    let asked: Vec<KeyId> = ["a", "b", "c"].map(id).into();
    for (ms, left) in [(0, vec!["b"]), (999, vec!["b"]), (1000, vec![])] {
        store.remove_exhausted(&asked, &policy, NOW.plus_millis(ms), &sample::UNRECORDED).await.unwrap();
        assert_eq!(ids(&everything(&store).await), left, "after {ms} ms");
    }
}
