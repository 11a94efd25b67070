use keymint_domain::usage::Algorithm;
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{accepted, code, found, open_two, settle_at_once, settle_one};

fn counting_by(algorithm: Algorithm) -> Policy {
    sample::policy_with(|configuration| configuration.rate_limit.algorithm = algorithm)
}

async fn limit_holds<E: Engine>(engine: &E, policy: Policy) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key_with_limit("key", 86_400_000, 10), None, &sample::UNRECORDED).await.unwrap();
    let verdicts = settle_at_once(&stores, 30, &sample::attempt("key"), &policy, NOW).await;
    assert_eq!(accepted(&verdicts), 10);
    assert!(verdicts.iter().filter_map(code).all(|code| code == ErrorCode::RateLimited));
    let usage = found(&*stores[1], &id("key")).await.usage;
    assert_eq!((usage.request_count, usage.last_request), (10, Some(NOW)));
}

async fn state_survives_a_restart<E: Engine>(engine: &E, policy: Policy) {
    let attempt = sample::attempt("key");
    let store = engine.open().await;
    store.insert(&sample::key_with_limit("key", 1000, 3), None, &sample::UNRECORDED).await.unwrap();
    for _ in 0..3 {
        assert_eq!(code(&settle_one(&store, &attempt, &policy, NOW).await), None);
    }
    drop(store);

    let store = engine.open().await;
    let verdict = settle_one(&store, &attempt, &policy, NOW).await;
    assert_eq!(code(&verdict), Some(ErrorCode::RateLimited));
    let wait = verdict.refused().unwrap().retry_in_ms.unwrap();
    drop(store);

    let store = engine.open().await;
    let just_before = settle_one(&store, &attempt, &policy, NOW.plus_millis(wait - 1)).await;
    assert_eq!(code(&just_before), Some(ErrorCode::RateLimited));
    assert_eq!(code(&settle_one(&store, &attempt, &policy, NOW.plus_millis(wait)).await), None);
}

pub async fn gcra_holds_under_parallel_spends<E: Engine>(engine: &E) {
    limit_holds(engine, counting_by(Algorithm::Gcra)).await;
}

pub async fn the_idle_window_holds_under_parallel_spends<E: Engine>(engine: &E) {
    limit_holds(engine, counting_by(Algorithm::IdleWindow)).await;
}

pub async fn the_state_of_gcra_survives_a_restart<E: Engine>(engine: &E) {
    state_survives_a_restart(engine, counting_by(Algorithm::Gcra)).await;
}

pub async fn the_state_of_the_idle_window_survives_a_restart<E: Engine>(engine: &E) {
    state_survives_a_restart(engine, counting_by(Algorithm::IdleWindow)).await;
}

pub async fn a_row_without_a_backlog_enters_with_its_count<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let counted = sample::key_with("key", |details, usage| {
        details.rate_limit_enabled = true;
        details.rate_limit_window_ms = Some(1000);
        details.rate_limit_max = Some(4);
        usage.request_count = 3;
        usage.last_request = Some(NOW);
    });
    store.insert(&counted, None, &sample::UNRECORDED).await.unwrap();
    let policy = counting_by(Algorithm::Gcra);
    let attempt = sample::attempt("key");
    assert_eq!(code(&settle_one(&store, &attempt, &policy, NOW).await), None);
    let refused = settle_one(&store, &attempt, &policy, NOW).await;
    assert_eq!(refused.refused().unwrap().retry_in_ms, Some(250));
}

pub async fn a_change_of_algorithm_forgets_the_backlog<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key_with_limit("key", 1000, 4), None, &sample::UNRECORDED).await.unwrap();
    let attempt = sample::attempt("key");
    for algorithm in [Algorithm::Gcra, Algorithm::IdleWindow, Algorithm::Gcra] {
        let verdict = settle_one(&*store, &attempt, &counting_by(algorithm), NOW).await;
        assert_eq!(verdict.accepted(), Some(&found(&*other, &id("key")).await));
        let has_backlog = verdict.accepted().unwrap().usage.backlog_ns.is_some();
        assert_eq!(has_backlog, algorithm == Algorithm::Gcra);
    }
}

pub async fn quota_and_limit_are_taken_together<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let key = sample::key_with("key", |details, usage| {
        details.rate_limit_enabled = true;
        details.rate_limit_window_ms = Some(86_400_000);
        details.rate_limit_max = Some(5);
        usage.remaining = Some(100);
    });
    stores[0].insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let verdicts = settle_at_once(&stores, 20, &sample::attempt("key"), &Policy::default(), NOW).await;
    assert_eq!(accepted(&verdicts), 5);
    assert_eq!(found(&*stores[1], &id("key")).await.usage.remaining, Some(95), "a refused call costs no quota");
}
