use keymint_domain::verify::{Attempt, Cost, Deferred, Owner, decide};
use keymint_domain::{ApiKey, ErrorCode, Policy};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW};
use crate::support::{code, found, open_two, remaining, settle, settle_one, spend};

/// Returns a look that brings along `calls` calls on a copy of `key`, all of them now.
pub(super) fn look_after(calls: usize, key: &ApiKey) -> Attempt {
    let attempt = sample::attempt(key.details.id.as_str());
    let (mut copy, mut deferred) = (key.clone(), None);
    for _ in 0..calls {
        let verdict = decide(Some((&copy, Owner::Absent)), &attempt, &Policy::default(), NOW);
        copy = verdict.accepted().unwrap().clone();
        deferred = Some(Deferred::after(deferred, 1, &copy));
    }
    let mut look = attempt.at_cost(Cost(0));
    look.deferred = deferred.map(Box::new);
    look
}

pub async fn deferred_calls_are_added_to_what_others_have_counted<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with_limit("key", 60_000, 10);
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let [three, two] = [look_after(3, &key), look_after(2, &key)];
    spend(&*other, "key", NOW).await;
    let verdict = settle_one(&*store, &three, &Policy::default(), NOW).await;
    let stored = found(&*other, &key.details.id).await;
    assert_eq!(verdict.accepted(), Some(&stored));
    assert_eq!(stored.usage.request_count, 4);

    let verdicts = settle(&*other, &[two, sample::attempt("key")], &Policy::default(), NOW).await;
    let counts: Vec<_> = verdicts.iter().map(|verdict| verdict.accepted().unwrap().usage.request_count).collect();
    assert_eq!(counts, [6, 7], "the attempt after them sees them");
    assert_eq!(found(&*store, &key.details.id).await.usage.request_count, 7);
}

pub async fn deferred_calls_count_whatever_the_key_allows_by_now<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with_limit("key", 60_000, 10);
    let disabled = sample::key_with("key", |details, usage| {
        *details = (*key.details).clone();
        details.enabled = false;
        usage.remaining = Some(5);
    });
    store.insert(&disabled, None, &sample::UNRECORDED).await.unwrap();
    let verdict = settle_one(&*store, &look_after(3, &key), &Policy::default(), NOW).await;
    assert_eq!(code(&verdict), Some(ErrorCode::KeyDisabled));
    assert_eq!(found(&*other, &key.details.id).await.usage.request_count, 3);
    assert_eq!(remaining(&*other, "key").await, Some(5), "the quota is not theirs");
}

pub async fn deferred_calls_of_a_key_that_is_gone_count_nowhere<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let [gone, there] = ["gone", "there"].map(|id| sample::key_with_limit(id, 60_000, 10));
    store.insert(&there, None, &sample::UNRECORDED).await.unwrap();
    let verdict = settle_one(&store, &look_after(3, &gone), &Policy::default(), NOW).await;
    assert_eq!(code(&verdict), Some(ErrorCode::InvalidApiKey));
    assert_eq!(found(&store, &there.details.id).await, there);
}
