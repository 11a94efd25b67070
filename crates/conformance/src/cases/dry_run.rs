use keymint_domain::value::Permissions;
use keymint_domain::verify::{Attempt, Cost, Judgement};
use keymint_domain::{ApiKey, ErrorCode, Policy};
use keymint_ports::KeyStore;

use super::deferred::look_after;
use crate::Engine;
use crate::sample::{self, NOW, config};
use crate::support::{everything, found, insert_all, open_two, settle_one};

/// Returns keys of which some may be used, and others may not.
fn keys() -> [ApiKey; 6] {
    [
        sample::key("free"),
        sample::key_with_quota("quota", 2),
        sample::key_with_quota("exhausted", 0),
        sample::key_with_limit("limit", 60_000, 1),
        sample::key_with("disabled", |details, _| details.enabled = false),
        sample::key_with("expired", |details, _| details.expires_at = Some(NOW)),
    ]
}

/// Returns an attempt that requires permissions.
fn asking(id: &str) -> Attempt {
    let mut attempt = sample::attempt(id);
    attempt.permissions = Permissions::from_stored(r#"{"files":["read"]}"#).unwrap();
    attempt
}

pub async fn a_dry_run_says_what_a_spend_would_and_changes_nothing<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let (keys, policy) = (keys(), Policy::default());
    insert_all(&*store, &keys).await;
    let mut foreign = sample::attempt("free");
    foreign.config_id = Some(config("eu"));
    let mut attempts = vec![foreign, asking("free"), sample::attempt("unknown")];
    for key in &keys {
        let attempt = sample::attempt(key.details.id.as_str());
        attempts.extend([0, 1, 3].map(|cost| attempt.clone().at_cost(Cost(cost))));
    }
    // Twice, so that the second round is of keys that were used.
    for step in [1, 2] {
        let now = NOW.plus_millis(step);
        for attempt in &attempts {
            let before = everything(&*other).await;
            let run = store.dry_run(attempt, &policy, now).await.unwrap();
            assert_eq!(run, other.dry_run(attempt, &policy, now).await.unwrap());
            assert_eq!(everything(&*other).await, before);
            assert_eq!(run.verdict, settle_one(&*store, attempt, &policy, now).await);
        }
    }
}

pub async fn a_dry_run_judges_a_key_by_every_rule<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let key = sample::key_with("key", |details, usage| {
        details.enabled = false;
        details.expires_at = Some(NOW);
        details.rate_limit_enabled = true;
        (details.rate_limit_window_ms, details.rate_limit_max) = (Some(60_000), Some(0));
        usage.remaining = Some(0);
    });
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let mut policy = Policy::default();
    policy.require_owner = true;
    let mut attempt = asking("key");
    attempt.config_id = Some(config("eu"));
    let run = store.dry_run(&attempt, &policy, NOW.plus_millis(1)).await.unwrap();
    let refused = |code, retry_in_ms| Judgement::Refused { code, retry_in_ms };
    let judged: Vec<_> = run.reports.iter().map(|report| (report.rule, report.judgement)).collect();
    let expected = [
        ("exists", Judgement::Passed),
        ("configuration", refused(ErrorCode::InvalidApiKey, None)),
        ("enabled", refused(ErrorCode::KeyDisabled, None)),
        ("expiry", refused(ErrorCode::KeyExpired, None)),
        ("owner", refused(ErrorCode::InvalidReferenceIdFromApiKey, None)),
        ("permissions", refused(ErrorCode::KeyNotFound, None)),
        ("quota", refused(ErrorCode::UsageExceeded, None)),
        ("rateLimit", refused(ErrorCode::RateLimited, Some(60_000))),
    ];
    for rule in expected {
        assert!(judged.contains(&rule), "{rule:?} in {judged:?}");
    }
}

pub async fn a_dry_run_of_an_unknown_key_judges_nothing_else<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    for text in ["unknown", "\0", "'", sample::key("key").details.stored.as_str()] {
        let run = store.dry_run(&sample::attempt(text), &Policy::default(), NOW).await.unwrap();
        let [exists, rest @ ..] = &*run.reports else { panic!("rules") };
        let refused = Judgement::Refused { code: ErrorCode::InvalidApiKey, retry_in_ms: None };
        assert_eq!((exists.rule, exists.judgement), ("exists", refused));
        assert!(rest.iter().all(|report| report.judgement == Judgement::NotJudged), "{rest:?}");
    }
}

pub async fn a_dry_run_sees_deferred_calls_and_leaves_them<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let key = sample::key_with_limit("key", 60_000, 10);
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let run = store.dry_run(&look_after(3, &key), &Policy::default(), NOW).await.unwrap();
    assert_eq!(run.verdict.accepted().unwrap().usage.request_count, 3);
    assert_eq!(found(&store, &key.details.id).await, key);
}
