//! Dead keys are removed in the background, after their retention, and never by a request.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::key::{Field, Minted, NewKey, RefillInput};
use keymint_domain::value::Lifetime;
use keymint_domain::{ConfigId, Configuration, ErrorCode, Policy};
use keymint_service::{Caller, Cleanup, CleanupOptions, CreateKey, ListKeys};

use crate::support::{Fixture, code_of, owner, refusal};

const DAY_MS: u64 = 86_400_000;
const BATCH: NonZeroU32 = NonZeroU32::new(2).unwrap();

fn short_lived() -> NewKey {
    NewKey { expires_in: Lifetime::from_seconds(86_400.0).ok(), ..NewKey::default() }
}

fn options(steady_clock: Duration) -> CleanupOptions {
    CleanupOptions { interval: Duration::from_mins(1), batch_size: BATCH, steady_clock, count: true }
}

async fn exists(fixture: &Fixture, minted: &Minted) -> bool {
    fixture.keys.get(&Caller::Server, &minted.key.details.id, None).await.is_ok()
}

#[tokio::test]
async fn an_expired_key_answers_key_expired_until_clean_up_removes_it() {
    let fixture = Fixture::new(Policy::default());
    let (dead, living) = (fixture.create(short_lived()).await, fixture.create(NewKey::default()).await);
    fixture.clock.advance(DAY_MS);
    assert_eq!(fixture.keys.clean_up(BATCH).await.unwrap(), 0, "it is still valid at its last instant");
    fixture.clock.advance(1);
    assert_eq!(code_of(&fixture.verify(&dead).await), Some(ErrorCode::KeyExpired));
    assert!(exists(&fixture, &dead).await);
    assert_eq!(fixture.keys.clean_up(BATCH).await.unwrap(), 1);
    assert_eq!(code_of(&fixture.verify(&dead).await), Some(ErrorCode::InvalidApiKey));
    assert!(exists(&fixture, &living).await);
}

#[tokio::test]
async fn retention_is_each_configurations_own() {
    let kept = Configuration { retention_ms: DAY_MS, ..Configuration::new(ConfigId::parse("kept").unwrap()) };
    let fixture = Fixture::new(Policy::new(vec![Configuration::default(), kept]).unwrap());
    let brief = fixture.create(short_lived()).await;
    let config_id = ConfigId::parse("kept").ok();
    let request = CreateKey { config_id, ..CreateKey::of(owner("ada"), short_lived()) };
    let long = fixture.keys.create(&Caller::Server, request).await.unwrap();
    fixture.clock.advance(DAY_MS + 1);
    fixture.keys.clean_up(BATCH).await.unwrap();
    assert_eq!((exists(&fixture, &brief).await, exists(&fixture, &long).await), (false, true));
    fixture.clock.advance(DAY_MS);
    fixture.keys.clean_up(BATCH).await.unwrap();
    assert!(!exists(&fixture, &long).await);
}

#[tokio::test]
async fn an_exhausted_key_goes_after_it_was_presented_once_more() {
    let fixture = Fixture::new(Policy::default());
    let once = fixture.create(NewKey { remaining: Field::Given(1), ..NewKey::default() }).await;
    let refill = RefillInput { amount: Some(1), interval_ms: Some(1000), every: None };
    let again = fixture.create(NewKey { refill, ..NewKey::default() }).await;
    for minted in [&once, &again] {
        assert!(fixture.verify(minted).await.accepted().is_some());
    }
    fixture.keys.clean_up(BATCH).await.unwrap();
    assert!(exists(&fixture, &once).await);
    for minted in [&once, &again] {
        assert_eq!(code_of(&fixture.verify(minted).await), Some(ErrorCode::UsageExceeded));
    }
    assert_eq!(fixture.keys.clean_up(BATCH).await.unwrap(), 1);
    assert_eq!((exists(&fixture, &once).await, exists(&fixture, &again).await), (false, true));
}

#[tokio::test]
async fn delete_all_expired_goes_through_every_batch_whatever_the_retention() {
    let kept = Configuration { retention_ms: DAY_MS, ..Configuration::default() };
    let fixture = Fixture::new(Policy::new(vec![kept]).unwrap());
    for _ in 0..5 {
        fixture.create(short_lived()).await;
    }
    fixture.clock.advance(DAY_MS + 1);
    assert_eq!(fixture.keys.clean_up(BATCH).await.unwrap(), 0);
    assert_eq!(fixture.keys.delete_all_expired(&Caller::Server).await.unwrap(), 5);
    assert_eq!(refusal(fixture.keys.delete_all_expired(&Caller::Anyone).await), ErrorCode::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn the_job_runs_at_its_interval_and_ends_when_dropped() {
    let fixture = Fixture::new(Policy::default());
    let total = async || fixture.keys.list(&Caller::Server, ListKeys::default()).await.unwrap().total.at_least();
    let job = Cleanup::start(Arc::clone(&fixture.keys), options(Duration::ZERO));
    fixture.create(short_lived()).await;
    fixture.clock.advance(DAY_MS + 1);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(total().await, 0);
    drop(job);
    fixture.create(short_lived()).await;
    fixture.clock.advance(DAY_MS + 1);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(total().await, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_while_the_clock_may_be_ahead() {
    let fixture = Fixture::new(Policy::default());
    let key = fixture.create(short_lived()).await;
    let _job = Cleanup::start(Arc::clone(&fixture.keys), options(Duration::from_mins(10)));
    fixture.clock.advance(400 * DAY_MS);
    // Tokio's time advances, while the machine's monotonic clock hardly does.
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(exists(&fixture, &key).await);
}
