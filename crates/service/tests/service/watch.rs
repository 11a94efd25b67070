//! Notices and anomalies become events, each once, whatever the number of processes that look.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use keymint_domain::address::Network;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{EventQuery, SealedEvent};
use keymint_domain::key::{Minted, NewKey};
use keymint_domain::metering::{Hour, KeyHour, LastUse, UsageFlush, UsedKey};
use keymint_domain::policy::Notices;
use keymint_domain::value::Lifetime;
use keymint_domain::{Configuration, ErrorCode, Policy, Timestamp};
use keymint_ports::{Clock as _, EventStore, MockEventStore, MockMeter, StoreError, UsageStore as _};
use keymint_service::{Caller, UsageOptions, Watch};
use serde_json::{Value, json};

use crate::support::{Fixture, NOW};

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

const SELDOM: UsageOptions = UsageOptions {
    enabled: true,
    interval: Duration::from_hours(1),
    longest_interval: Duration::from_secs(30),
    hours_days: 35,
    retention_days: 400,
};

/// A service that looks after its keys when it is told to.
struct Watched {
    fixture: Fixture,
    number: u64,
}

impl Watched {
    fn new(change: impl FnOnce(&mut Configuration)) -> Self {
        let mut configuration = Configuration::default();
        change(&mut configuration);
        let policy = Policy::new(vec![configuration]).unwrap();
        Self { fixture: Fixture::with_survey(policy, SELDOM), number: 0 }
    }

    async fn key(&self, expires_in_days: u32) -> Minted {
        let expires_in = Lifetime::from_seconds(f64::from(expires_in_days) * 86_400.0).ok();
        self.fixture.create(NewKey { expires_in, ..NewKey::default() }).await
    }

    /// Looks after the keys, as a process that has just been started. Returns the number of new events.
    async fn watch(&self) -> u64 {
        self.fixture.keys.watch(&self.fixture.store).await.unwrap()
    }

    /// Returns all events of notices and anomalies, the oldest first.
    async fn events(&self) -> Vec<SealedEvent> {
        let store = &self.fixture.store;
        store.seal(&SealKey::new([7; 32]), 10_000).await.unwrap();
        store.list_events(&EventQuery::behind(0, 10_000)).await.unwrap()
    }

    async fn kinds(&self) -> Vec<String> {
        self.events().await.into_iter().map(|event| event.row.kind).collect()
    }

    /// Adds calls of a key to the statistics.
    async fn count(&mut self, key: &Minted, hours: impl IntoIterator<Item = (Hour, u64, u64)>) {
        self.number += 1;
        let key = &key.key.details;
        let of_hour = |(hour, accepted, refused): (Hour, u64, u64)| KeyHour {
            key: UsedKey::from(&**key),
            hour,
            accepted,
            cost: accepted,
            refused: if refused > 0 { vec![(ErrorCode::RateLimited, refused)] } else { Vec::new() },
            last_use: (accepted > 0).then(|| LastUse { at: hour.start(), network: None }),
        };
        let keys = hours.into_iter().map(of_hour).collect();
        let flush = UsageFlush { process: "p".into(), number: self.number, at: NOW, keys, unknown: Vec::new() };
        assert!(self.fixture.store.add_usage(&flush).await.unwrap());
    }
}

fn hour(hours: i64) -> Hour {
    Hour::from_number(Hour::of(NOW).number() + hours)
}

fn data(event: &SealedEvent) -> Value {
    serde_json::from_str(&event.row.data).unwrap()
}

#[tokio::test]
async fn a_life_of_notices_is_made_once_by_any_number_of_processes() {
    let watched = Watched::new(|configuration| {
        configuration.notices = Notices { rotation_days: NonZeroU32::new(80), ..Notices::default() };
    });
    let key = watched.key(100).await;
    for _ in 0..140 {
        let processes = join_all((0..3).map(|_| watched.watch())).await;
        assert!(processes.iter().sum::<u64>() <= 2);
        watched.fixture.clock.advance(DAY_MS);
    }
    let expected = ["expiring", "rotation_due", "expiring", "idle", "expiring", "expired"];
    let expected: Vec<_> = expected.iter().map(|kind| format!("keymint.key.{kind}")).collect();
    let mut found = watched.kinds().await;
    // On the ninetieth day the key is idle, and expires in ten days.
    found[2..4].sort();
    let mut sorted = expected.clone();
    sorted[2..4].sort();
    assert_eq!(found, sorted);
    let first = &watched.events().await[0];
    assert_eq!(first.row.key_id.as_deref(), Some(key.key.details.id.as_str()));
    assert_eq!((first.row.owner.as_deref(), first.row.actor.as_str()), (Some("ada"), "keymint"));
    let expires_at = NOW.plus_millis(100 * DAY_MS).to_string();
    assert_eq!(data(first), json!({ "expiresAt": expires_at, "days": 30 }));
}

/// A service that makes notices, whose keys clean-up removes as soon as they expire.
fn removing_at_once(events_kept: Duration) -> Watched {
    let policy = Policy::new(vec![Configuration { retention_ms: 0, ..Configuration::default() }]).unwrap();
    Watched { fixture: Fixture::with_notices(policy, SELDOM, events_kept), number: 0 }
}

#[tokio::test]
async fn an_expiry_is_announced_once_whether_clean_up_or_the_job_sees_it_first() {
    const BATCH: NonZeroU32 = NonZeroU32::new(2).unwrap();
    let watched = removing_at_once(Duration::MAX);
    let expected = ["created", "expired", "removed"].map(|kind| format!("keymint.key.{kind}"));
    for job_is_first in [false, true] {
        let before = watched.kinds().await.len();
        watched.key(1).await;
        watched.fixture.clock.advance(DAY_MS + 1);
        if job_is_first {
            assert_eq!(watched.watch().await, 1);
        }
        assert_eq!(watched.fixture.keys.clean_up(BATCH).await.unwrap(), 1);
        assert_eq!(watched.watch().await, 0);
        assert_eq!(watched.kinds().await[before..], expected, "{job_is_first}");
    }
    watched.key(1).await;
    watched.fixture.clock.advance(DAY_MS + 1);
    let (removed, made) = tokio::join!(watched.fixture.keys.clean_up(BATCH), watched.watch());
    assert!(removed.unwrap() == 1 && made <= 1);
    assert_eq!(watched.kinds().await[6..], expected);
    watched.key(1).await;
    watched.fixture.clock.advance(DAY_MS + 1);
    assert_eq!(watched.fixture.keys.delete_all_expired(&Caller::Server).await.unwrap(), 1);
    assert_eq!(watched.kinds().await[9..], ["created", "expired", "deleted"].map(|kind| format!("keymint.key.{kind}")));
}

#[tokio::test]
async fn no_notice_is_made_again_after_its_event_was_removed() {
    let watched = removing_at_once(Duration::from_hours(7 * 24));
    watched.key(100).await;
    watched.fixture.clock.advance(70 * DAY_MS);
    assert_eq!(watched.watch().await, 1, "it expires in 30 days");
    // Each look is that of a process that knows nothing of the one before it.
    watched.fixture.clock.advance(8 * DAY_MS);
    watched.fixture.store.remove_events(&SealKey::new([7; 32]), Timestamp::MAX, u64::MAX, 100).await.unwrap();
    assert_eq!(watched.watch().await, 0);
    watched.fixture.clock.advance(30 * DAY_MS);
    assert_eq!(watched.fixture.keys.clean_up(NonZeroU32::MIN).await.unwrap(), 1);
    assert_eq!(watched.kinds().await.last().unwrap(), "keymint.key.removed");
    assert!(!watched.kinds().await.contains(&"keymint.key.expired".to_owned()));
}

#[tokio::test]
async fn a_use_puts_off_the_notice_of_an_idle_key() {
    let mut watched = Watched::new(|_| {});
    let key = watched.fixture.create(NewKey::default()).await;
    watched.count(&key, [(hour(50 * 24), 1, 0)]).await;
    watched.fixture.clock.advance(100 * DAY_MS);
    assert_eq!(watched.watch().await, 0);
    watched.fixture.clock.advance(40 * DAY_MS);
    assert_eq!(watched.watch().await, 1);
    let events = watched.events().await;
    assert_eq!(data(&events[0]), json!({ "unusedSince": hour(50 * 24).start().to_string() }));
}

#[tokio::test]
async fn notices_can_be_switched_off() {
    let none = Notices { expiring_days: Vec::new(), idle_days: None, rotation_days: None };
    let watched = Watched::new(|configuration| configuration.notices = none);
    watched.key(100).await;
    watched.fixture.clock.advance(95 * DAY_MS);
    assert_eq!(watched.watch().await, 0);
}

/// Five weeks of 200 calls an hour, up to the hour before `last`.
fn steady(last: i64) -> impl Iterator<Item = (Hour, u64, u64)> {
    (last - 35 * 24..last).map(|hours| (hour(hours), 200, 2))
}

/// A service whose key was used for five weeks before `last`.
async fn known(anomalies: bool, last: i64) -> (Watched, Minted) {
    let mut watched = Watched::new(|configuration| configuration.anomalies = anomalies);
    let key = watched.fixture.create(NewKey::default()).await;
    watched.fixture.clock.advance(u64::try_from(last).unwrap() * HOUR_MS + 5 * 60_000);
    watched.count(&key, steady(last)).await;
    (watched, key)
}

const LAST: i64 = 36 * 24;

#[tokio::test]
async fn a_spike_and_a_storm_are_found_while_their_hour_runs_and_once_a_day() {
    let (mut watched, key) = known(true, LAST).await;
    assert_eq!(watched.watch().await, 0);
    watched.count(&key, [(hour(LAST), 2_000, 900)]).await;
    assert_eq!(watched.watch().await, 2);
    let events = watched.events().await;
    let expected = [("spike", 2_000, 200), ("refusals", 900, 2)].map(|(reason, seen, usual)| {
        json!({ "reason": reason, "hour": hour(LAST).start().to_string(), "seen": seen, "usual": usual })
    });
    let mut found: Vec<_> = events.iter().map(data).collect();
    found.sort_by_key(|data| std::cmp::Reverse(data["seen"].as_u64()));
    assert_eq!(found, expected);
    watched.count(&key, [(hour(LAST), 2_000, 900)]).await;
    assert_eq!(watched.watch().await, 0, "it is known");
}

#[tokio::test]
async fn a_silence_is_found_after_its_third_hour() {
    let (watched, _) = known(true, LAST).await;
    let mut made = Vec::new();
    for _ in 0..6 {
        made.push(watched.watch().await);
        watched.fixture.clock.advance(HOUR_MS);
    }
    assert_eq!(made, [0, 0, 0, 1, 0, 0]);
    let event = &watched.events().await[0];
    assert_eq!((event.row.kind.as_str(), &data(event)["reason"]), ("keymint.key.anomaly", &json!("drop")));
}

#[tokio::test]
async fn a_configuration_that_did_not_ask_has_no_anomalies() {
    let (mut watched, key) = known(false, LAST).await;
    watched.count(&key, [(hour(LAST), 2_000, 900)]).await;
    assert_eq!(watched.watch().await, 0);
}

#[tokio::test]
async fn a_key_that_was_disabled_does_not_fall_silent() {
    let (watched, key) = known(true, LAST).await;
    let id = &key.key.details.id;
    watched.fixture.keys.revoke(&keymint_service::Caller::Server, id, None).await.unwrap();
    watched.fixture.clock.advance(3 * HOUR_MS);
    assert_eq!(watched.watch().await, 0);
}

#[tokio::test]
async fn a_network_that_is_new_to_a_settled_key_is_found_once() {
    let mut watched = Watched::new(|configuration| configuration.anomalies = true);
    let key = watched.fixture.create(NewKey::default()).await;
    let use_from = async |watched: &mut Watched, network: &str| {
        watched.number += 1;
        let at = watched.fixture.clock.now();
        let last_use = Some(LastUse { at, network: Network::parse(network).ok() });
        let used = KeyHour {
            key: UsedKey::from(&*key.key.details),
            hour: Hour::of(at),
            accepted: 1,
            cost: 1,
            refused: Vec::new(),
            last_use,
        };
        let number = watched.number;
        let flush = UsageFlush { process: "p".into(), number, at, keys: vec![used], unknown: Vec::new() };
        assert!(watched.fixture.store.add_usage(&flush).await.unwrap());
        watched.fixture.clock.advance(DAY_MS);
        join_all((0..2).map(|_| watched.watch())).await.into_iter().sum::<u64>()
    };
    for _ in 0..30 {
        assert_eq!(use_from(&mut watched, "192.0.2.0/24").await, 0);
    }
    assert_eq!(use_from(&mut watched, "198.51.100.0/24").await, 1);
    assert_eq!(use_from(&mut watched, "198.51.100.0/24").await, 0, "it is known");
    assert_eq!(use_from(&mut watched, "203.0.113.0/24").await, 0, "the networks have just changed");
    let event = &watched.events().await[0];
    assert_eq!(data(event)["reason"], "new_network");
    assert!(event.row.personal.as_deref().is_some_and(|personal| personal.contains("198.51.100.0/24")));
    assert!(!event.row.data.contains("198.51.100"), "it can be erased");
}

#[tokio::test]
async fn a_run_that_fails_is_counted_and_the_next_one_makes_the_notice() {
    let mut meter = MockMeter::new();
    meter.expect_watched().withf(|succeeded| !succeeded).times(1..).return_const(());
    meter.expect_watched().withf(|succeeded| *succeeded).return_const(());
    meter.expect_noticed().return_const(());
    let policy = Policy::default();
    let fixture = Fixture::with_survey_and_meter(policy, SELDOM, Arc::new(meter));
    let expires_in = Lifetime::from_seconds(86_400.0 * 40.0).ok();
    fixture.create(NewKey { expires_in, ..NewKey::default() }).await;
    fixture.clock.advance(20 * DAY_MS);
    let (sent, mut made) = tokio::sync::mpsc::unbounded_channel();
    let mut events = MockEventStore::new();
    events.expect_record().once().returning(|_| Err(StoreError::unavailable("down")));
    events.expect_record().returning(move |event| {
        sent.send(event.kind.as_str()).unwrap();
        Ok(true)
    });
    let watch = Watch::start(Arc::clone(&fixture.keys), Arc::new(events), Duration::from_millis(1));
    assert_eq!(made.recv().await, Some("keymint.key.expiring"));
    drop(watch);
}
