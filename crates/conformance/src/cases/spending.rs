use keymint_domain::key::{EditKey, Field, PlainKey};
use keymint_domain::usage::Usage;
use keymint_domain::value::Permissions;
use keymint_domain::verify::{Attempt, Cost};
use keymint_domain::{ErrorCode, Policy, Timestamp};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, config, id};
use crate::support::{
    accepted, code, found, ids, insert_all, open_two, remaining, settle, settle_at_once, settle_one, spend,
};

pub async fn an_empty_batch_has_no_answers<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(settle(&store, &[], &Policy::default(), NOW).await, []);
}

pub async fn an_unknown_key_is_refused<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for text in ["", "sk_unknown", "'", "%", "_", "\u{1}", "👩‍🚀", &"x".repeat(10_000)] {
        let attempt = Attempt::new(&PlainKey::new(text), &Policy::default());
        let verdict = settle_one(&store, &attempt, &Policy::default(), NOW).await;
        assert_eq!(code(&verdict), Some(ErrorCode::InvalidApiKey), "{text:?}");
    }
}

pub async fn a_text_that_no_row_can_hold_is_an_unknown_key<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let policy = sample::policy_with(|configuration| configuration.disable_key_hashing = true);
    let key = sample::key_with("key", |details, _| details.stored = sample::plain("key").unhashed());
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let nul = Attempt::new(&PlainKey::new("sk_\0key"), &policy);
    let known = Attempt::new(&sample::plain("key"), &policy);
    let verdicts = settle(&store, &[nul, known], &policy, NOW).await;
    let codes: Vec<_> = verdicts.iter().map(code).collect();
    assert_eq!(codes, [Some(ErrorCode::InvalidApiKey), None]);
}

pub async fn answers_are_in_the_order_of_the_attempts<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &["z", "a", "m"].map(|id| sample::key_with_quota(id, 2))).await;
    let batch = ["m", "unknown", "z", "a", "z", "m", "z", "another", "a", "a", "m"];
    let verdicts = settle(&*other, &batch.map(sample::attempt), &Policy::default(), NOW).await;
    let answers: Vec<_> = verdicts
        .iter()
        .map(|verdict| match verdict.accepted() {
            Some(key) => format!("{} {}", key.details.id, key.usage.remaining.unwrap()),
            None => code(verdict).unwrap().as_str().to_owned(),
        })
        .collect();
    let (unknown, spent) = ("INVALID_API_KEY", "USAGE_EXCEEDED");
    assert_eq!(answers, ["m 1", unknown, "z 1", "a 1", "z 0", "m 0", spent, unknown, "a 0", spent, spent]);
    for id in ["z", "a", "m"] {
        assert_eq!(remaining(&*store, id).await, Some(0), "{id}");
    }
}

pub async fn of_rows_under_one_text_the_one_with_the_smallest_id_counts<E: Engine>(engine: &E) {
    let store = engine.open().await;
    // By bytes, capitals come first.
    for id in ["b", "a", "Z", "c"] {
        let twin = sample::key_with(id, |details, usage| {
            details.stored = sample::plain("one text").hash();
            usage.remaining = Some(9);
        });
        store.insert(&twin, None, &sample::UNRECORDED).await.unwrap();
    }
    let attempt = sample::attempt("one text");
    for (removed, first) in [(None, "Z"), (Some("Z"), "a"), (Some("a"), "b")] {
        if let Some(removed) = removed {
            assert!(store.remove(&id(removed), &sample::UNRECORDED).await.unwrap());
        }
        let verdicts = settle(&store, &[attempt.clone(), attempt.clone()], &Policy::default(), NOW).await;
        assert!(verdicts.iter().all(|verdict| verdict.accepted().unwrap().details.id == id(first)), "{first}");
        assert_eq!(remaining(&store, first).await, Some(7), "{first}");
    }
    assert_eq!(remaining(&store, "c").await, Some(9));
}

pub async fn a_large_batch_is_settled_whole<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key_with_quota("key", 500), None, &sample::UNRECORDED).await.unwrap();
    let attempts: Vec<_> = (0..3000)
        .map(|turn| if turn % 3 == 0 { sample::attempt("key") } else { sample::attempt(&format!("unknown {turn}")) })
        .collect();
    let verdicts = settle(&store, &attempts, &Policy::default(), NOW).await;
    assert_eq!(accepted(&verdicts), 500);
    let unknown = verdicts.iter().filter(|verdict| code(verdict) == Some(ErrorCode::InvalidApiKey));
    assert_eq!(unknown.count(), 2000);
    assert_eq!(remaining(&store, "key").await, Some(0));
}

pub async fn an_accepted_attempt_is_kept_as_it_was_answered<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = [sample::key("free"), sample::key_with_quota("quota", 9), sample::key_with_limit("limit", 60_000, 9)];
    insert_all(&*store, &keys).await;
    for step in [1, 2, 70_000] {
        for key in &keys {
            let verdict = spend(&*store, key.details.id.as_str(), NOW.plus_millis(step)).await;
            assert_eq!(verdict.accepted(), Some(&found(&*other, &key.details.id).await));
        }
    }
}

pub async fn a_refused_attempt_changes_nothing<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let used = Usage { remaining: Some(5), request_count: 1, last_request: Some(NOW), ..Usage::new(None, NOW) };
    let disabled = sample::key_with("disabled", |details, usage| {
        details.enabled = false;
        *usage = used;
    });
    let expired = sample::key_with("expired", |details, usage| {
        details.expires_at = Some(NOW);
        *usage = used;
    });
    let limited = sample::key_with("limited", |details, usage| {
        details.rate_limit_enabled = true;
        details.rate_limit_window_ms = Some(60_000);
        details.rate_limit_max = Some(1);
        *usage = used;
    });
    let exhausted = sample::key_with_quota("exhausted", 0);
    let healthy = sample::key_with_quota("healthy", 5);
    let keys = [disabled, expired, limited, exhausted, healthy];
    insert_all(&*store, &keys).await;

    let mut out_of_scope = sample::attempt("healthy");
    out_of_scope.config_id = Some(config("eu"));
    let mut not_permitted = sample::attempt("healthy");
    not_permitted.permissions = Permissions::from_stored(r#"{"files":["read"]}"#).unwrap();
    let [disabled, expired, limited, exhausted] = ["disabled", "expired", "limited", "exhausted"].map(sample::attempt);
    let too_much = sample::attempt("healthy").at_cost(Cost(u32::MAX));
    for (attempt, expected) in [
        (disabled, ErrorCode::KeyDisabled),
        (expired, ErrorCode::KeyExpired),
        (limited, ErrorCode::RateLimited),
        (exhausted, ErrorCode::UsageExceeded),
        (out_of_scope, ErrorCode::InvalidApiKey),
        (not_permitted, ErrorCode::KeyNotFound),
        (too_much, ErrorCode::UsageExceeded),
    ] {
        let verdict = settle_one(&*store, &attempt, &Policy::default(), NOW.plus_millis(1)).await;
        assert_eq!(code(&verdict), Some(expected));
    }
    for key in &keys {
        assert_eq!(found(&*other, &key.details.id).await, *key);
    }
}

pub async fn a_cost_is_taken_whole_or_not_at_all<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key_with_quota("key", 7), None, &sample::UNRECORDED).await.unwrap();
    let three = sample::attempt("key").at_cost(Cost(3));
    let verdicts = settle(&store, &[three.clone(), three.clone(), three], &Policy::default(), NOW).await;
    let codes: Vec<_> = verdicts.iter().map(code).collect();
    assert_eq!(codes, [None, None, Some(ErrorCode::UsageExceeded)]);
    assert_eq!(remaining(&store, "key").await, Some(1));
    assert!(spend(&store, "key", NOW).await.accepted().is_some());
    assert_eq!(remaining(&store, "key").await, Some(0));
}

pub async fn a_look_pays_nothing<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let key = sample::key_with_quota("key", 1);
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let look = sample::attempt("key").at_cost(Cost(0));
    for _ in 0..3 {
        let verdict = settle_one(&store, &look, &Policy::default(), NOW.plus_millis(5)).await;
        assert_eq!(verdict.accepted(), Some(&key));
        assert_eq!(found(&store, &key.details.id).await, key);
    }
    let verdicts = settle(&store, &[sample::attempt("key"), look], &Policy::default(), NOW).await;
    assert_eq!(code(&verdicts[1]), Some(ErrorCode::UsageExceeded));
    assert!(verdicts[1].refused().unwrap().exhausted);
}

pub async fn a_use_that_was_paid_passes_once_more_and_changes_nothing<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key_with_quota("key", 1), None, &sample::UNRECORDED).await.unwrap();
    let (first, again) = (sample::attempt("key"), sample::attempt("key").paid());
    let attempts = [first.clone(), again.clone(), first];
    let verdicts = settle(&store, &attempts, &Policy::default(), NOW).await;
    assert_eq!(verdicts.iter().map(code).collect::<Vec<_>>(), [None, None, Some(ErrorCode::UsageExceeded)]);
    let later = settle_one(&store, &again, &Policy::default(), NOW.plus_millis(5)).await;
    assert_eq!(later, verdicts[0]);
    assert_eq!(Some(&found(&store, &id("key")).await), later.accepted());
}

pub async fn what_another_handle_does_to_a_key_in_use_counts_at_its_next_use<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let enabled = |enabled| EditKey { enabled: Some(enabled), ..EditKey::default() };
    let quota = |remaining| EditKey { remaining: Field::Given(remaining), ..EditKey::default() };
    for (edit, refusal, left) in [
        (enabled(false), Some(ErrorCode::KeyDisabled), 3),
        (quota(9), None, 8),
        (quota(0), Some(ErrorCode::UsageExceeded), 0),
    ] {
        for restore in [enabled(true), quota(5)] {
            other.update(&id("key"), &sample::patch(restore), NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        }
        for left in [4, 3] {
            assert_eq!(code(&spend(&*store, "key", NOW).await), None);
            assert_eq!(remaining(&*other, "key").await, Some(left));
        }
        other.update(&id("key"), &sample::patch(edit), NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        assert_eq!(code(&spend(&*store, "key", NOW).await), refusal);
        assert_eq!(remaining(&*other, "key").await, Some(left));
    }
    assert!(other.remove(&id("key"), &sample::UNRECORDED).await.unwrap());
    assert_eq!(code(&spend(&*store, "key", NOW).await), Some(ErrorCode::InvalidApiKey));
}

pub async fn a_clock_that_runs_back_loses_nothing<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let quota = sample::key_with_quota("quota", 5);
    insert_all(&store, &[quota, sample::key_with_limit("limit", 60_000, 2)]).await;
    let later = NOW.plus_millis(10_000);
    for now in [later, NOW] {
        for id in ["quota", "limit"] {
            assert_eq!(code(&spend(&store, id, now).await), None);
        }
    }
    let usage = found(&store, &id("quota")).await.usage;
    assert_eq!((usage.remaining, usage.updated_at), (Some(3), NOW));
    let usage = found(&store, &id("limit")).await.usage;
    assert_eq!((usage.last_request, usage.updated_at, usage.request_count), (Some(NOW), NOW, 2));
    for now in [NOW, later, Timestamp::MIN] {
        assert_eq!(code(&spend(&store, "limit", now).await), Some(ErrorCode::RateLimited), "{now}");
    }
}

pub async fn of_rows_with_one_text_the_smallest_id_counts<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let twins = ["é", "a", "B", "b"].map(|id| {
        sample::key_with(id, |details, usage| {
            details.stored = sample::plain("twin").hash();
            usage.remaining = Some(5);
        })
    });
    insert_all(&store, &twins).await;
    for answering in ["B", "a", "b", "é"] {
        let verdicts =
            settle(&store, &[sample::attempt("twin"), sample::attempt("twin")], &Policy::default(), NOW).await;
        let keys: Vec<_> = verdicts.iter().map(|verdict| verdict.accepted().unwrap().clone()).collect();
        assert_eq!(ids(&keys), [answering, answering]);
        assert_eq!(remaining(&store, answering).await, Some(3));
        assert!(store.remove(&id(answering), &sample::UNRECORDED).await.unwrap());
    }
    assert_eq!(code(&spend(&store, "twin", NOW).await), Some(ErrorCode::InvalidApiKey));
}

pub async fn a_settled_use_takes_what_there_is<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let limited = sample::key_with("limited", |details, usage| {
        details.rate_limit_enabled = true;
        (details.rate_limit_window_ms, details.rate_limit_max) = (Some(60_000), Some(5));
        usage.remaining = Some(100);
    });
    let disabled = sample::key_with("disabled", |details, usage| {
        details.enabled = false;
        usage.remaining = Some(5);
    });
    insert_all(&*stores[0], &[sample::key_with_quota("key", 100), sample::key("free"), limited, disabled]).await;
    let settling = |id, cost| sample::attempt(id).at_cost(Cost(cost)).settling();
    let policy = Policy::default();
    // 15 of them find 7 or more, and one the rest.
    let verdicts = settle_at_once(&stores, 20, &settling("key", 7), &policy, NOW).await;
    assert_eq!(accepted(&verdicts), 20);
    let mut left: Vec<_> =
        verdicts.iter().map(|verdict| verdict.accepted().unwrap().usage.remaining.unwrap()).collect();
    left.sort_unstable_by(|a, b| b.cmp(a));
    let expected: Vec<u64> = (1..=14).map(|uses| 100 - 7 * uses).chain([0; 6]).collect();
    assert_eq!(left, expected);
    assert_eq!(remaining(&*stores[1], "key").await, Some(0));
    for (attempt, refusal, left) in [
        (settling("free", 9), None, None),
        (settling("limited", 3), None, Some(97)),
        (settling("limited", 3), None, Some(94)),
        (settling("limited", 3), None, Some(91)),
        (sample::attempt("limited"), Some(ErrorCode::RateLimited), Some(91)),
        (settling("disabled", 3), Some(ErrorCode::KeyDisabled), Some(5)),
        (settling("limited", 0), None, Some(91)),
    ] {
        let verdict = settle_one(&*stores[0], &attempt, &policy, NOW).await;
        assert_eq!(code(&verdict), refusal);
        let id = verdict.accepted().map_or("disabled", |key| key.details.id.as_str()).to_owned();
        if refusal != Some(ErrorCode::RateLimited) {
            assert_eq!(remaining(&*stores[1], &id).await, left, "{id}");
        }
    }
}
