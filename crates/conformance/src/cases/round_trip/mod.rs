use keymint_domain::key::{Actor, KeyDetails, PlainKey, Revocation};
use keymint_domain::listing::{ListQuery, Page, Total};
use keymint_domain::usage::Usage;
use keymint_domain::value::{Metadata, Permissions};
use keymint_domain::verify::{Attempt, Cost, Owner, decide};
use keymint_domain::{ApiKey, Policy, Timestamp};
use keymint_ports::{KeyStore, StoreError};

use crate::Engine;
use crate::sample::{self, NOW, config, id, owner};
use crate::support::{code, found, open_two, settle_one};
use crate::texts::texts;

mod values;

/// Checks that a key that was inserted through one handle comes back through another unchanged: when it is found,
/// listed and spent. After a spend the row must hold the domain's result.
async fn survives<S: KeyStore>([store, other]: [&S; 2], key: &ApiKey, plain: &PlainKey, policy: &Policy) {
    store.insert(key, None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(found(other, &key.details.id).await, *key);
    let of_owner = ListQuery { owner: Some(key.details.owner.clone()), ..ListQuery::default() };
    assert_eq!(
        other.list(&of_owner).await.unwrap(),
        Page { keys: vec![key.clone()], total: Total::Exactly(1), ..Page::default() }
    );

    // An instant that lies ahead would be moved to the present.
    let now = NOW.max(key.usage.updated_at);
    for cost in [Cost(0), Cost(1)] {
        let mut attempt = Attempt::new(plain, policy).at_cost(cost);
        attempt.client = sample::CLIENT;
        let expected = decide(Some((key, Owner::Absent)), &attempt, policy, now);
        assert_eq!(settle_one(other, &attempt, policy, now).await, expected);
        let after = expected.accepted().unwrap_or(key);
        assert_eq!(found(store, &key.details.id).await, *after);
    }
}

/// Does the same as [`survives`], for the sample key with that id after `edit`. Its owner has the same name.
async fn sample_survives<E: Engine>(engine: &E, name: &str, edit: impl FnOnce(&mut KeyDetails, &mut Usage)) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with(name, |details, usage| {
        details.owner = owner(name);
        edit(details, usage);
    });
    survives([&*store, &*other], &key, &sample::plain(name), &Policy::default()).await;
}

pub async fn texts_come_back_byte_by_byte<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let policy = sample::policy_with(|configuration| configuration.disable_key_hashing = true);
    for text in texts() {
        let plain = PlainKey::new(format!("sk_{text}"));
        let key = sample::key_with(&text, |details, _| {
            details.config_id = config(&text);
            details.owner = owner(&text);
            details.name = Some(text.clone());
            details.start = Some(text.clone());
            details.prefix = Some(text.clone());
            details.stored = plain.unhashed();
        });
        survives([&*store, &*other], &key, &plain, &policy).await;
    }
}

pub async fn an_empty_text_is_not_an_absent_one<E: Engine>(engine: &E) {
    sample_survives(engine, "empty", |details, _| {
        details.name = Some(String::new());
        details.start = Some(String::new());
        details.prefix = Some(String::new());
    })
    .await;
    sample_survives(engine, "absent", |_, _| ()).await;
}

/// Uses only texts that no store indexes: Postgres holds at most 2704 bytes in an index.
pub async fn long_texts_come_back_whole<E: Engine>(engine: &E) {
    sample_survives(engine, "long", |details, _| {
        details.name = Some("x".repeat(10_000));
        details.start = Some("é".repeat(10_000));
        details.prefix = Some("👩‍🚀 ".repeat(2_500));
    })
    .await;
}

pub async fn numbers_come_back_exactly<E: Engine>(engine: &E) {
    for number in [0, 1, 2_147_483_647] {
        sample_survives(engine, &number.to_string(), |details, usage| {
            details.refill_amount = Some(number);
            details.refill_interval_ms = Some(number);
            details.rate_limit_enabled = true;
            details.rate_limit_window_ms = Some(number);
            details.rate_limit_max = Some(number);
            usage.remaining = Some(number);
            usage.request_count = number;
            usage.last_request = Some(NOW);
        })
        .await;
    }
}

pub async fn a_number_that_is_too_large_is_refused_and_never_cut<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let too_large = [1 << 31, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX];
    let members: [fn(&mut KeyDetails, &mut Usage, u64); 6] = [
        |details, _, number| details.refill_amount = Some(number),
        |details, _, number| details.refill_interval_ms = Some(number),
        |details, _, number| details.rate_limit_window_ms = Some(number),
        |details, _, number| details.rate_limit_max = Some(number),
        |_, usage, number| usage.remaining = Some(number),
        |_, usage, number| usage.request_count = number,
    ];
    for number in too_large {
        for (index, set) in members.iter().enumerate() {
            let key = sample::key_with(&format!("{number} {index}"), |details, usage| set(details, usage, number));
            let stored = match store.insert(&key, None, &sample::UNRECORDED).await {
                Ok(()) => Some(key.clone()),
                Err(StoreError::OutOfRange { .. }) => None,
                Err(error) => panic!("neither kept nor refused: {error}"),
            };
            assert_eq!(store.find(&key.details.id).await.unwrap(), stored);
        }
    }
}

pub async fn a_backlog_comes_back_to_the_nanosecond<E: Engine>(engine: &E) {
    for backlog_ns in [0, 1, 999_999_999_999_999, 2_100_000_000_000_001] {
        sample_survives(engine, &backlog_ns.to_string(), |details, usage| {
            details.rate_limit_enabled = true;
            details.rate_limit_window_ms = Some(2_147_483_647);
            details.rate_limit_max = Some(3);
            usage.backlog_ns = Some(backlog_ns);
            usage.last_request = Some(NOW.minus_millis(1));
        })
        .await;
    }
}

pub async fn instants_come_back_to_the_millisecond<E: Engine>(engine: &E) {
    let texts = [
        "0001-01-01T00:00:00.000Z",
        "1582-10-10T12:00:00.001Z",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00.000Z",
        "1999-12-31T23:59:59.999Z",
        "2024-02-29T23:59:59.010Z",
        "9999-12-31T23:59:59.999Z",
    ];
    for text in texts {
        let instant = Timestamp::parse(text).unwrap();
        sample_survives(engine, text, |details, usage| {
            details.expires_at = Some(instant);
            details.revocation = Some(Revocation { at: instant, by: Actor::Server });
            details.created_at = instant;
            usage.last_refill_at = Some(instant);
            usage.last_request = Some(instant);
            usage.updated_at = instant;
        })
        .await;
    }
}

pub async fn json_comes_back_as_it_was_written<E: Engine>(engine: &E) {
    let deep = format!("{}1{}", r#"{"a":["#.repeat(50), "]}".repeat(50));
    let long = format!(r#"{{"long":"{}"}}"#, "é".repeat(10_000));
    let texts = [
        "{}",
        "[]",
        r#"{"b":1,"a":2.50,"a ":1e100,"":-0}"#,
        r#"{"text":"\u0000\u0001 \"'%_\\ 👩‍🚀 مرحبا"}"#,
        r#"[{"when":"2024-02-29T23:59:59Z"}, true , null]"#,
        &deep,
        &long,
    ];
    for (index, text) in texts.into_iter().enumerate() {
        sample_survives(engine, &format!("metadata {index}"), |details, _| {
            details.metadata = Metadata::from_stored(text).unwrap();
            assert!(details.metadata.is_some());
        })
        .await;
    }
    let texts = ["{}", r#"{"z":["read","write"],"a":[]}"#, r#"{"":[""],"'\"%_👩‍🚀":["\u0000"]}"#];
    for (index, text) in texts.into_iter().enumerate() {
        sample_survives(engine, &format!("permissions {index}"), |details, _| {
            details.permissions = Permissions::from_stored(text).unwrap();
        })
        .await;
    }
}

pub async fn a_key_with_every_member_comes_back_whole<E: Engine>(engine: &E) {
    sample_survives(engine, "full", values::fill).await;
    sample_survives(engine, "full and disabled", |details, usage| {
        values::fill(details, usage);
        details.enabled = false;
        details.rate_limit_enabled = false;
    })
    .await;
    let actors = [Actor::Server, Actor::LeakReport, Actor::User(sample::user_id("'\"%_\\ 👩‍🚀 user:server"))];
    for (by, enabled) in actors.into_iter().zip([true, false, false]) {
        sample_survives(engine, &format!("full and revoked by {by}"), |details, usage| {
            values::fill(details, usage);
            details.enabled = enabled;
            details.revocation = Some(Revocation { at: NOW.minus_millis(7), by });
        })
        .await;
    }
}

pub async fn what_was_stored_is_there_after_a_restart<E: Engine>(engine: &E) {
    let key = sample::key_with("full", values::fill);
    let store = engine.open().await;
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    store.insert(&sample::key("removed"), None, &sample::UNRECORDED).await.unwrap();
    assert!(store.remove(&id("removed"), &sample::UNRECORDED).await.unwrap());
    drop(store);

    let store = engine.open().await;
    assert_eq!(found(&store, &key.details.id).await, key);
    assert_eq!(store.find(&id("removed")).await.unwrap(), None);
    let attempt = sample::attempt("full");
    let spent = settle_one(&store, &attempt, &Policy::default(), NOW).await;
    assert_eq!(code(&spent), None);
    drop(store);

    let store = engine.open().await;
    assert_eq!(Some(&found(&store, &key.details.id).await), spent.accepted());
}
