//! The events that the meter is told of.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use keymint_domain::event::EventKind;
use keymint_domain::key::{Field, KeyCounts, KeyFormat, KeyState, NewKey, PlainKey};
use keymint_domain::leak::{LeakResult, Reporter};
use keymint_domain::value::{Lifetime, Prefix};
use keymint_domain::webhook::WebhookId;
use keymint_domain::{ConfigId, Configuration, ErrorCode, KeyId, Policy};
use keymint_ports::{CountCursor, CountedPortion, Meter, MockKeyStore, Removed, StoreError, WebhookLag};
use keymint_service::{
    Caller, Cleanup, CleanupOptions, CreateKey, FoundText, GroupCommitOptions, Keys, ServiceError, Source, Throttle,
    ThrottleOptions, VerifyKey,
};

use crate::support::{Fixture, code_of, owner};

/// One key per portion, and no wait for a steady clock.
const CLEANUP: CleanupOptions = CleanupOptions {
    interval: Duration::from_mins(1),
    batch_size: NonZeroU32::MIN,
    steady_clock: Duration::ZERO,
    count: false,
};

/// Records the events, in order.
#[derive(Default)]
struct Told(Mutex<Vec<Said>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Verified(Option<ErrorCode>),
    Waited,
    Batched(usize),
    TurnedAway,
    Throttled,
    CleanedUp(Option<u64>),
    Kept(u64),
    Counted(KeyCounts),
    Noticed(EventKind),
    LeakReported(Reporter, LeakResult),
}

impl Told {
    fn say(&self, said: Said) {
        self.0.lock().unwrap().push(said);
    }

    fn take(&self) -> Vec<Said> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Meter for Told {
    fn verified(&self, refused: Option<ErrorCode>, _: Duration) {
        self.say(Said::Verified(refused));
    }

    fn waited(&self, _: Duration) {
        self.say(Said::Waited);
    }

    fn batched(&self, attempts: usize) {
        self.say(Said::Batched(attempts));
    }

    fn turned_away(&self) {
        self.say(Said::TurnedAway);
    }

    fn store_failed(&self, _: &StoreError) {
        panic!("the service leaves it to those who wrap the store");
    }

    fn throttled(&self) {
        self.say(Said::Throttled);
    }

    fn cleaned_up(&self, removed: Option<u64>) {
        self.say(Said::CleanedUp(removed));
    }

    fn kept(&self, keys: u64) {
        self.say(Said::Kept(keys));
    }

    fn counted(&self, keys: &KeyCounts) {
        self.say(Said::Counted(*keys));
    }

    fn usage_flushed(&self, _: Option<usize>, _: Duration) {
        panic!("no usage is counted here");
    }

    fn usage_lost(&self, _: u64) {
        panic!("no usage is counted here");
    }

    fn sealed(&self, _: Option<u64>) {}

    fn events_removed(&self, _: u64) {}

    fn watched(&self, _: bool) {}

    fn noticed(&self, kind: EventKind) {
        self.say(Said::Noticed(kind));
    }

    fn leak_reported(&self, reporter: Reporter, result: LeakResult) {
        self.say(Said::LeakReported(reporter, result));
    }

    fn webhook_attempted(&self, _: &WebhookId, _: Option<Duration>) {}

    fn webhooks_counted(&self, _: &[WebhookLag]) {}
}

fn metered(policy: Policy) -> (Fixture, Arc<Told>) {
    let told = Arc::new(Told::default());
    (Fixture::with(policy, |builder| builder.meter(Arc::clone(&told) as _)), told)
}

#[tokio::test]
async fn every_verification_is_told_by_its_outcome_and_every_batch_by_its_size() {
    let (fixture, told) = metered(Policy::default());
    let minted = fixture.create(NewKey { remaining: Field::Given(1), ..NewKey::default() }).await;
    assert_eq!(told.take(), [], "only verifications are");

    join_all([fixture.verify(&minted), fixture.verify(&minted)]).await;
    let outcomes = [Said::Verified(None), Said::Verified(Some(ErrorCode::UsageExceeded))];
    let batch = [Said::Batched(2), Said::Waited, Said::Waited];
    assert_eq!(told.take(), [&batch[..], &outcomes].concat());

    let foreign = VerifyKey { config_id: ConfigId::parse("other").ok(), ..VerifyKey::of(minted.plain) };
    fixture.keys.verify(&Caller::Server, foreign).await.unwrap();
    fixture.keys.verify(&Caller::Anyone, VerifyKey::of(PlainKey::new("k"))).await.unwrap_err();
    let reason = Said::Verified(Some(ErrorCode::WrongConfiguration));
    assert_eq!(told.take(), [Said::Batched(1), Said::Waited, reason], "who may not ask has verified nothing");
}

#[tokio::test]
async fn a_key_with_a_wrong_checksum_is_malformed_and_never_looked_up() {
    let configuration = Configuration {
        default_prefix: Some("sk_".to_owned()),
        key_format: KeyFormat::Checked,
        checked_only: true,
        enable_session_for_api_keys: true,
        ..Configuration::default()
    };
    let other = Configuration::new(ConfigId::parse("other").unwrap());
    let (fixture, told) = metered(Policy::new(vec![configuration, other]).unwrap());
    let minted = fixture.create(NewKey::default()).await;
    fixture.verify(&minted).await;
    assert_eq!(told.take(), [Said::Batched(1), Said::Waited, Said::Verified(None)]);

    let mistyped = minted.plain.expose().replacen("sk_", "sk_0", 1);
    let malformed = Said::Verified(Some(ErrorCode::Malformed));
    let verdict = fixture.keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(mistyped.clone()))).await.unwrap();
    assert_eq!(code_of(&verdict), Some(ErrorCode::InvalidApiKey), "the wire's word");
    assert_eq!(told.take(), std::slice::from_ref(&malformed), "no batch was needed");
    let session = fixture.keys.open_session(PlainKey::new(mistyped), "x-api-key", None).await;
    assert!(matches!(session, Err(ServiceError::KeyRefused(refusal)) if refusal.is_malformed));
    assert_eq!(told.take(), [malformed]);

    // Other prefixes are looked up whatever they are.
    let unknown = VerifyKey::of(PlainKey::new("pk_unknown"));
    fixture.keys.verify(&Caller::Server, unknown).await.unwrap();
    let invalid = Said::Verified(Some(ErrorCode::InvalidApiKey));
    assert_eq!(told.take(), [Said::Batched(1), Said::Waited, invalid]);

    // A key of another configuration with this prefix would be refused for its text, and so it gets a checksum.
    let new = NewKey { prefix: Prefix::parse("sk_x").ok(), ..NewKey::default() };
    let request = CreateKey { config_id: ConfigId::parse("other").ok(), ..CreateKey::of(owner("ada"), new) };
    let borrowed = fixture.keys.create(&Caller::Server, request).await.unwrap();
    assert!(borrowed.plain.has_valid_sum());
    assert!(fixture.verify(&borrowed).await.accepted().is_some());
}

#[tokio::test]
async fn an_embedders_text_without_the_checksum_is_unusable() {
    let configuration = Configuration {
        default_prefix: Some("sk_".to_owned()),
        key_format: KeyFormat::Checked,
        checked_only: true,
        ..Configuration::default()
    };
    let policy = Policy::new(vec![configuration]).unwrap();
    for (text, is_usable) in [("sk_mine", false), ("sk_000SYW7RiJxkEgOGusQGwp22Ma5E", true), ("mine", true)] {
        let fixture = Fixture::with(policy.clone(), |builder| builder.key_generator(move |_| text.to_owned()));
        let made = fixture.keys.create(&Caller::Server, CreateKey::of(owner("ada"), NewKey::default())).await;
        assert_eq!(made.is_ok(), is_usable, "{text}");
        assert!(is_usable || matches!(made, Err(ServiceError::UnusableKey)));
    }
}

#[tokio::test]
async fn uses_that_are_judged_on_copies_are_verifications_too() {
    let mut configuration = keymint_domain::Configuration { defer_usage: true, ..Default::default() };
    configuration.rate_limit.enabled = false;
    let (fixture, told) = metered(Policy::new(vec![configuration]).unwrap());
    let minted = fixture.create(NewKey::default()).await;
    for _ in 0..3 {
        fixture.verify(&minted).await;
    }
    let said = told.take();
    assert_eq!(said.iter().filter(|said| **said == Said::Verified(None)).count(), 3);
    assert_eq!(said.iter().filter(|said| **said == Said::Batched(1)).count(), 1, "the one that read the copy");
}

#[tokio::test]
async fn callers_who_are_turned_away_are_told() {
    let told = Arc::new(Told::default());
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let options = GroupCommitOptions { queue: NonZeroUsize::MIN, ..GroupCommitOptions::default() };
    let keys = Keys::builder(Arc::new(store)).group_commit(options).meter(Arc::clone(&told) as _).build();
    let request = || keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new("k")));
    join_all([request(), request()]).await;
    assert_eq!(told.take(), [Said::TurnedAway, Said::Batched(1), Said::Waited], "a failure is no outcome");
}

#[tokio::test(start_paused = true)]
async fn each_clean_up_is_told_and_each_count_of_the_keys() {
    let (fixture, told) = metered(Policy::default());
    let short_lived = NewKey { expires_in: Lifetime::from_seconds(86_400.0).ok(), ..NewKey::default() };
    fixture.create(short_lived).await;
    fixture.create(NewKey { remaining: Field::Given(0), ..NewKey::default() }).await;
    fixture.create(NewKey::default()).await;
    fixture.clock.advance(86_400_001);
    let options = CleanupOptions { count: true, ..CLEANUP };
    let job = Cleanup::start(Arc::clone(&fixture.keys), options);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(job);
    let said = told.take();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said.contains(&Said::CleanedUp(Some(1))) && said.contains(&Said::Kept(0)), "{said:?}");
    // The expired key may be counted before or after it is removed.
    let counts = said.iter().find_map(|said| if let Said::Counted(counts) = said { Some(counts) } else { None });
    let counts = [KeyState::Active, KeyState::Exhausted].map(|state| counts.unwrap().of(state));
    assert_eq!(counts, [1, 1], "{said:?}");
}

#[tokio::test]
async fn each_reported_text_is_told_by_its_reporter_and_its_outcome() {
    let (fixture, told) = metered(Policy::default());
    let minted = fixture.create(NewKey::default()).await;
    let texts = [minted.plain, PlainKey::new("sk_nobodys")].map(FoundText::nowhere);
    let report = async |reporter| fixture.keys.report_leaks(reporter, &texts, &Source::default()).await.unwrap();
    report(Reporter::Github).await;
    report(Reporter::Holder).await;
    let unknown = |reporter| Said::LeakReported(reporter, LeakResult::Unknown);
    let expected = [
        Said::LeakReported(Reporter::Github, LeakResult::Revoked),
        unknown(Reporter::Github),
        Said::LeakReported(Reporter::Holder, LeakResult::Unchanged),
        unknown(Reporter::Holder),
    ];
    assert_eq!(told.take(), expected);
}

/// Returns a portion of one active key, which may be the last one.
fn portion_of_one(is_last: bool) -> CountedPortion {
    let mut counts = KeyCounts::default();
    counts.add(KeyState::Active, 1);
    let limit = if is_last { NonZeroU32::MAX } else { NonZeroU32::MIN };
    CountedPortion::new(counts, Some("a row".to_owned()), limit)
}

#[tokio::test(start_paused = true)]
async fn keys_are_counted_in_portions_while_others_are_removed_and_told_when_all_were() {
    let told = Arc::new(Told::default());
    let mut store = MockKeyStore::new();
    // The supply of expired keys is endless.
    store.expect_remove_expired().returning(|_, _, _, limit, _| Ok(Removed::all(limit)));
    store.expect_count().once().withf(|_, _, from, _| from.is_none()).returning(|_, _, _, _| Ok(portion_of_one(false)));
    let goes_on = |from: &Option<CountCursor>| from.as_ref().is_some_and(|cursor| cursor.as_str() == "a row");
    store
        .expect_count()
        .once()
        .withf(move |_, _, from, _| goes_on(from))
        .returning(|_, _, _, _| Ok(portion_of_one(true)));
    // The next count fails midway.
    store.expect_count().once().returning(|_, _, _, _| Ok(portion_of_one(false)));
    store.expect_count().once().returning(|_, _, _, _| Err(StoreError::unavailable("down")));
    let keys = Keys::builder(Arc::new(store)).meter(Arc::clone(&told) as _).build();
    let options = CleanupOptions { interval: Duration::from_secs(1), count: true, ..CLEANUP };
    let job = Cleanup::start(Arc::new(keys), options);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(job);
    let mut counts = KeyCounts::default();
    counts.add(KeyState::Active, 2);
    assert_eq!(told.take(), [Said::Counted(counts)]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_must_stay_are_told_and_passed_over() {
    let told = Arc::new(Told::default());
    let mut store = MockKeyStore::new();
    let kept = |id| Removed { kept: vec![KeyId::parse(id).unwrap()], ..Removed::default() };
    store
        .expect_remove_expired()
        .once()
        .withf(|_, _, skip, _, _| *skip == 0)
        .returning(move |_, _, _, _, _| Ok(kept("a")));
    store
        .expect_remove_expired()
        .once()
        .withf(|_, _, skip, _, _| *skip == 1)
        .returning(move |_, _, _, _, _| Ok(kept("b")));
    store
        .expect_remove_expired()
        .once()
        .withf(|_, _, skip, _, _| *skip == 2)
        .returning(|_, _, _, _, _| Ok(Removed { expiries_told: 1, ..Removed::all(1) }));
    store
        .expect_remove_expired()
        .once()
        .withf(|_, _, skip, _, _| *skip == 2)
        .returning(|_, _, _, _, _| Ok(Removed::all(0)));
    store.expect_purge_deleted().once().returning(|_, _| Ok(0));
    let keys = Keys::builder(Arc::new(store)).meter(Arc::clone(&told) as _).build();
    assert_eq!(keys.clean_up(NonZeroU32::MIN).await.unwrap(), 1);
    assert_eq!(told.take(), [Said::Noticed(EventKind::KeyExpired), Said::Kept(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_that_fails_is_told_and_nothing_is_counted_that_was_not_asked_for() {
    let told = Arc::new(Told::default());
    let mut store = MockKeyStore::new();
    store.expect_remove_expired().returning(|_, _, _, _, _| Err(StoreError::unavailable("down")));
    store.expect_count().never();
    let keys = Keys::builder(Arc::new(store)).meter(Arc::clone(&told) as _).build();
    let job = Cleanup::start(Arc::new(keys), CLEANUP);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(job);
    assert_eq!(told.take(), [Said::CleanedUp(None)]);
}

#[test]
fn a_throttle_tells_of_those_whom_it_turns_away() {
    let told = Arc::new(Told::default());
    let options = ThrottleOptions { max_requests: NonZeroU32::MIN, window: Duration::from_mins(1) };
    let throttle = Throttle::new(options).metered(Arc::clone(&told) as _);
    let address = "192.0.2.1".parse().unwrap();
    assert!(throttle.check(address).is_ok());
    assert_eq!(told.take(), []);
    assert!(throttle.check(address).is_err());
    assert_eq!(told.take(), [Said::Throttled]);
}
