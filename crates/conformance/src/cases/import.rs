use std::sync::Arc;

use keymint_domain::ApiKey;
use keymint_ports::{ImportOutcome, KeyStore, StoreError};

use crate::Engine;
use crate::sample::{self, NOW, UNRECORDED, id};
use crate::support::{accepted, at_once, everything, ids, insert_all, open_two, spend};

use ImportOutcome::{Added, SameId, SameSecret};

fn with_secret_of(id: &str, other: &str) -> ApiKey {
    sample::key_with(id, |details, _| details.stored = sample::plain(other).hash())
}

async fn import(store: &impl KeyStore, keys: &[ApiKey]) -> Vec<ImportOutcome> {
    store.import(keys, &UNRECORDED).await.unwrap()
}

pub async fn imported_keys_come_back_whole_and_are_accepted<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    assert_eq!(accepted(&[spend(&*store, "key 7", NOW).await]), 0, "it is looked up before it is there");
    let keys: Vec<_> = (0..700_u64)
        .map(|number| {
            sample::key_with(&format!("key {number:03}"), |details, usage| {
                details.stored = sample::plain(&format!("key {number}")).hash();
                details.name = Some(format!("{number}"));
                usage.remaining = Some(number);
            })
        })
        .collect();
    assert!(import(&*store, &keys).await.iter().all(|outcome| *outcome == Added));
    let mut found = everything(&*other).await;
    found.sort_by_key(|key| key.usage.remaining);
    assert_eq!(found, keys);
    for handle in [&store, &other] {
        assert_eq!(accepted(&[spend(&**handle, "key 7", NOW).await]), 1);
    }
    assert_eq!(import(&*store, &[]).await, []);
}

pub async fn an_import_leaves_out_what_is_taken_and_changes_nothing_of_it<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let old = [sample::key_with_quota("a", 5), sample::key_with_quota("b", 6)];
    insert_all(&*store, &old).await;
    let portion = [
        sample::key("a"),
        with_secret_of("b", "else"),
        with_secret_of("c", "a"),
        sample::key("d"),
        with_secret_of("e", "d"),
        with_secret_of("d", "f"),
    ];
    let expected = [SameSecret(id("a")), SameId, SameSecret(id("a")), Added, SameSecret(id("d")), SameId];
    assert_eq!(other.preview_import(&portion).await.unwrap(), expected);
    assert_eq!(everything(&*store).await, old, "a preview adds nothing");
    assert_eq!(import(&*other, &portion).await, expected);
    assert_eq!(everything(&*store).await, [&old[0], &old[1], &portion[3]].map(Clone::clone));
    let again = import(&*store, &portion).await;
    assert_eq!(again[3], SameSecret(id("d")), "a repeated import changes nothing");
    assert_eq!(ids(&everything(&*other).await), ["a", "b", "d"]);
}

pub async fn parallel_imports_add_each_secret_once<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let imports = (0..8_usize).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        let key = |number| with_secret_of(&format!("{turn} {number}"), &format!("secret {number}"));
        let portion: Vec<_> = (0..20).map(key).collect();
        async move { import(&*store, &portion).await }
    });
    let outcomes = at_once(imports).await;
    assert_eq!(outcomes.iter().flatten().filter(|outcome| **outcome == Added).count(), 20);
    assert_eq!(everything(&*stores[0]).await.len(), 20);
}

pub async fn a_portion_with_a_number_that_is_too_large_is_added_whole_or_not_at_all<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let portion = [sample::key("a"), sample::key_with_quota("b", u64::MAX), sample::key("c")];
    match store.import(&portion, &UNRECORDED).await {
        Err(StoreError::OutOfRange { column: "remaining" }) => assert_eq!(everything(&store).await, []),
        outcome => {
            assert_eq!(outcome.unwrap(), [Added, Added, Added]);
            assert_eq!(everything(&store).await, portion);
        }
    }
}
