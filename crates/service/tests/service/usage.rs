//! Every use is counted once, whatever way it comes, and reaches the store once, whatever happens on the way.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use keymint_domain::key::{Field, Minted, NewKey, PlainKey};
use keymint_domain::metering::{
    Counts, Hour, JournalPart, Step, Tallies, UnknownNetwork, UsageFlush, UsageSelection, Window,
};
use keymint_domain::policy::References;
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, Configuration, ErrorCode, KeyId, Policy, Timestamp};
use keymint_ports::{
    Clock as _, Entropy as _, FakeClock, MockUsageStore, SeededEntropy, StoreError, Unmetered, UsageStore,
};
use keymint_service::{Caller, Keys, KeysBuilder, ReadUsage, Usage, UsageOptions, UsageReport, VerifyKey, Whose};
use keymint_store_memory::MemoryStore;

use crate::support::{Fixture, NOW, owner, refusal, unowned};

/// A service that counts uses. Only the test flushes them.
struct Counted {
    fixture: Fixture,
    clock: Arc<FakeClock>,
    usage: Arc<Usage>,
}

const SELDOM: UsageOptions = UsageOptions {
    enabled: true,
    interval: Duration::from_hours(1),
    longest_interval: Duration::from_hours(1),
    hours_days: 35,
    retention_days: 400,
};

impl Counted {
    fn new(policy: Policy) -> Self {
        Self::with(policy, SELDOM, |builder| builder)
    }

    fn with(policy: Policy, options: UsageOptions, finish: impl FnOnce(KeysBuilder) -> KeysBuilder) -> Self {
        Self::over(Arc::new(MemoryStore::default()), policy, options, finish)
    }

    fn over(
        store: Arc<dyn UsageStore>,
        policy: Policy,
        options: UsageOptions,
        finish: impl FnOnce(KeysBuilder) -> KeysBuilder,
    ) -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let usage = Usage::start(store, Arc::clone(&clock) as _, &SeededEntropy::new(1), Arc::new(Unmetered), options);
        let usage = Arc::new(usage);
        let fixture = Fixture::with(policy, |builder| finish(builder.usage(Arc::clone(&usage))));
        Self { fixture, clock, usage }
    }

    async fn verify_at(&self, minted: &Minted, cost: u32) {
        let request = VerifyKey { cost: Cost(cost), ..VerifyKey::of(minted.plain.clone()) };
        self.fixture.keys.verify(&Caller::Server, request).await.unwrap();
    }

    async fn report(&self, caller: &Caller, request: ReadUsage) -> UsageReport {
        self.usage.flush().await.unwrap();
        self.fixture.keys.read_usage(caller, request).await.unwrap().unwrap()
    }

    async fn of_key(&self, minted: &Minted) -> Counts {
        let key = Some(minted.key.details.id.clone());
        self.report(&Caller::Server, ReadUsage { key, ..everything() }).await.series.totals
    }
}

fn today() -> Window {
    Window::new(NOW, NOW.plus_millis(1), Step::Day).unwrap()
}

fn everything() -> ReadUsage {
    ReadUsage { key: None, whose: Whose::Callers, config_id: None, window: today() }
}

fn counts(accepted: u64, cost: u64, refusals: &[(ErrorCode, u64)]) -> Counts {
    let refusals = refusals.iter().map(|(code, calls)| (code.as_str().to_owned(), *calls)).collect();
    Counts { accepted, cost, refusals }
}

fn quota(remaining: u64) -> NewKey {
    NewKey { remaining: Field::Given(remaining), ..NewKey::default() }
}

#[tokio::test]
async fn accepted_calls_their_cost_and_refusals_are_counted_and_looks_are_not() {
    let counted = Counted::new(Policy::default());
    let minted = counted.fixture.create(quota(7)).await;
    for cost in [3, 0, 4, 1, 0, 2] {
        counted.verify_at(&minted, cost).await;
    }
    let dry_run = VerifyKey::of(minted.plain.clone());
    counted.fixture.keys.dry_run(&Caller::Server, dry_run).await.unwrap();
    assert_eq!(counted.of_key(&minted).await, counts(2, 7, &[(ErrorCode::UsageExceeded, 2)]));
}

#[tokio::test]
async fn the_answer_has_the_last_use_and_its_network() {
    let counted = Counted::new(Policy::default());
    let minted = counted.fixture.create(NewKey::default()).await;
    let client_ip = Some("203.0.113.7".parse().unwrap());
    let request = VerifyKey { client_ip, ..VerifyKey::of(minted.plain.clone()) };
    counted.fixture.keys.verify(&Caller::Server, request).await.unwrap();
    let key = Some(minted.key.details.id.clone());
    let activity = counted.report(&Caller::Server, ReadUsage { key, ..everything() }).await.activity.unwrap();
    let last = activity.last_use.unwrap();
    assert_eq!((last.at, last.network.unwrap().to_string().as_str()), (NOW, "203.0.113.0/24"));
}

#[tokio::test]
async fn a_repeat_that_was_paid_is_counted_once() {
    let window = Duration::from_secs(1);
    let counted = Counted::with(Policy::default(), SELDOM, |builder| builder.idempotency_window(window));
    let minted = counted.fixture.create(NewKey::default()).await;
    let once = || {
        let request = VerifyKey::of(minted.plain.clone());
        counted.fixture.keys.verify_once(&Caller::Server, request, &[b"request 1"])
    };
    join_all((0..5).map(|_| once())).await;
    once().await.unwrap();
    assert_eq!(counted.of_key(&minted).await, counts(1, 1, &[]));
}

#[tokio::test]
async fn uses_that_are_judged_on_copies_are_counted_once() {
    let mut configuration = Configuration { defer_usage: true, ..Configuration::default() };
    configuration.rate_limit.enabled = false;
    let counted = Counted::new(Policy::new(vec![configuration]).unwrap());
    let minted = counted.fixture.create(NewKey::default()).await;
    for _ in 0..10 {
        counted.verify_at(&minted, 2).await;
        counted.fixture.keys.flush().await.unwrap();
    }
    counted.fixture.keys.revoke(&Caller::Server, &minted.key.details.id, None).await.unwrap();
    counted.verify_at(&minted, 2).await;
    assert_eq!(counted.of_key(&minted).await, counts(10, 20, &[(ErrorCode::KeyDisabled, 1)]));
}

#[tokio::test]
async fn a_session_that_a_key_opens_is_one_use() {
    let open = Configuration { enable_session_for_api_keys: true, ..Configuration::default() };
    let counted = Counted::new(Policy::new(vec![open]).unwrap());
    let ada = counted.fixture.sign_up("ada").await.user;
    let request = keymint_service::CreateKey {
        owner: Some(keymint_domain::OwnerId::from(&ada.id)),
        ..unowned(None, NewKey::default())
    };
    let minted = counted.fixture.keys.create(&Caller::Server, request).await.unwrap();
    counted.fixture.keys.open_session(minted.plain.clone(), "x-api-key", None).await.unwrap();
    assert_eq!(counted.of_key(&minted).await, counts(1, 1, &[]));
}

#[tokio::test]
async fn unknown_keys_are_counted_by_their_source() {
    let prefixed = Configuration { default_prefix: Some("sk_".to_owned()), ..Configuration::default() };
    let policy = Policy::new(vec![prefixed]).unwrap();
    let counted = Counted::with(policy, SELDOM, |builder| builder.precheck(|key| key.expose() != "sk_prechecked"));
    for text in ["sk_unknown", "sk_prechecked", "other"] {
        let client_ip = Some("203.0.113.7".parse().unwrap());
        let request = VerifyKey { client_ip, ..VerifyKey::of(PlainKey::new(text)) };
        counted.fixture.keys.verify(&Caller::Server, request.clone()).await.unwrap();
        counted.fixture.keys.dry_run(&Caller::Server, request).await.unwrap();
    }
    counted.usage.flush().await.unwrap();
    let window = today();
    let found = counted.fixture.keys.read_unknown_usage(&Caller::Server, &window).await.unwrap().unwrap();
    let network = UnknownNetwork::parse("203.0.113.0/24").unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|sum| {
            assert_eq!((sum.source.network, sum.source.config_id), (network, None));
            (sum.source.prefix.map(String::from), sum.calls)
        })
        .collect();
    assert_eq!(found, [(None, 1), (Some("sk_".to_owned()), 2)]);
    let users = Caller::User(crate::support::user("ada"));
    let refused = counted.fixture.keys.read_unknown_usage(&users, &window).await;
    assert_eq!(refusal(refused), ErrorCode::Unauthorized);
}

#[tokio::test]
async fn what_is_switched_off_counts_nothing_and_can_still_be_read() {
    let off = UsageOptions { enabled: false, ..SELDOM };
    let counted = Counted::with(Policy::default(), off, |builder| builder);
    let minted = counted.fixture.create(NewKey::default()).await;
    counted.verify_at(&minted, 1).await;
    assert_eq!(counted.of_key(&minted).await, Counts::default());
    let without = Fixture::new(Policy::default());
    assert_eq!(without.keys.read_usage(&Caller::Server, everything()).await.unwrap(), None);
}

#[tokio::test]
async fn users_see_the_usage_of_their_own_keys_and_nobody_elses() {
    let team = || ConfigId::parse("team").unwrap();
    let of_organizations = Configuration { references: References::Organization, ..Configuration::new(team()) };
    let counted = Counted::new(Policy::new(vec![Configuration::default(), of_organizations]).unwrap());
    let (ada, bob) = (counted.fixture.sign_up("ada").await.user, counted.fixture.sign_up("bob").await.user);
    let mut keys = Vec::new();
    for user in [&ada, &bob] {
        let (caller, request) = (Caller::User(user.id.clone()), unowned(None, NewKey::default()));
        keys.push(counted.fixture.keys.create(&caller, request).await.unwrap());
    }
    counted.verify_at(&keys[0], 1).await;
    counted.verify_at(&keys[1], 5).await;
    let as_ada = Caller::User(ada.id.clone());
    assert_eq!(counted.report(&as_ada, everything()).await.series.totals, counts(1, 1, &[]));
    assert_eq!(counted.report(&Caller::Server, everything()).await.series.totals, counts(2, 6, &[]));
    let id = |place: usize| Some(keys[place].key.details.id.clone());
    let own = ReadUsage { key: id(0), ..everything() };
    assert_eq!(counted.report(&as_ada, own).await.series.totals, counts(1, 1, &[]));
    let read = async |caller: &Caller, request| counted.fixture.keys.read_usage(caller, request).await;
    let others = ReadUsage { key: id(1), ..everything() };
    assert_eq!(refusal(read(&as_ada, others).await), ErrorCode::KeyNotFound);
    let whose = Whose::Users(keymint_domain::OwnerId::from(&bob.id));
    assert_eq!(refusal(read(&as_ada, ReadUsage { whose, ..everything() }).await), ErrorCode::Unauthorized);
    assert_eq!(refusal(read(&Caller::Anyone, everything()).await), ErrorCode::Unauthorized);
    let nothing = ReadUsage { whose: Whose::Nobodys, ..everything() };
    assert_eq!(counted.report(&Caller::Server, nothing).await.series.totals, Counts::default());
    let missing = ReadUsage { key: KeyId::parse("missing").ok(), ..everything() };
    assert_eq!(refusal(read(&Caller::Server, missing).await), ErrorCode::KeyNotFound);
    // For an invoice, a key that was removed is still there.
    counted.fixture.keys.delete(&Caller::Server, &keys[1].key.details.id, None).await.unwrap();
    let removed = ReadUsage { key: id(1), ..everything() };
    assert_eq!(counted.report(&Caller::Server, removed).await.series.totals, counts(1, 5, &[]));
    let limit = NonZeroU32::new(9).unwrap();
    let by_key = counted.fixture.keys.read_usage_by_key(&Caller::Server, everything(), None, limit).await;
    assert_eq!(by_key.unwrap().unwrap().len(), 2);
    let refused = counted.fixture.keys.read_usage_by_key(&as_ada, everything(), None, limit).await;
    assert_eq!(refusal(refused), ErrorCode::Unauthorized);
}

/// A store that adds each portion and then says that it has failed, the first few times.
fn forgetful(store: &MemoryStore, failures: u32) -> (MockUsageStore, Arc<AtomicU32>) {
    let (store, calls) = (store.clone(), Arc::new(AtomicU32::new(0)));
    let (mut mock, told) = (MockUsageStore::new(), Arc::clone(&calls));
    mock.expect_add_usage().returning(move |flush| {
        let added = futures_util::FutureExt::now_or_never(store.add_usage(flush)).unwrap();
        if told.fetch_add(1, Ordering::SeqCst) < failures { Err(StoreError::unavailable("lost")) } else { added }
    });
    mock.expect_take_over_usage_journal().returning(|_, _| Ok(None));
    (mock, calls)
}

#[tokio::test]
async fn a_flush_whose_answer_is_lost_is_repeated_and_adds_nothing_twice() {
    let store = MemoryStore::default();
    let (mock, _) = forgetful(&store, 3);
    let counted = Counted::over(Arc::new(mock), Policy::default(), SELDOM, |builder| builder);
    let minted = counted.fixture.create(NewKey::default()).await;
    for turn in 0..5 {
        counted.verify_at(&minted, 1).await;
        assert_eq!(counted.usage.flush().await.is_ok(), turn >= 3, "{turn}");
    }
    let sums = store.sum_usage(&UsageSelection::ALL, &today()).await.unwrap();
    assert_eq!(sums.iter().map(|sum| sum.calls).sum::<u64>(), 5);
}

#[tokio::test(start_paused = true)]
async fn many_keys_are_handed_over_in_portions_and_at_once_where_it_is_urgent() {
    const KEYS: u64 = 5000;
    let store = MemoryStore::default();
    let (mock, portions) = forgetful(&store, 0);
    let every = UsageOptions { interval: Duration::from_secs(1), longest_interval: Duration::from_secs(1), ..SELDOM };
    let counted = Counted::over(Arc::new(mock), Policy::default(), every, |builder| builder);
    let minted = {
        let made = (0..KEYS).map(|_| counted.fixture.create(NewKey::default()));
        join_all(made).await
    };
    let use_all = async || {
        for minted in &minted {
            counted.verify_at(minted, 1).await;
        }
    };
    use_all().await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let after = portions.load(Ordering::SeqCst);
    assert!((5..20).contains(&after), "{after} of 20 portions after a part of the interval");
    counted.usage.flush().await.unwrap();
    let sums = store.sum_usage(&UsageSelection::ALL, &today()).await.unwrap();
    assert_eq!(sums.iter().map(|sum| sum.calls).sum::<u64>(), KEYS);
}

const EVERY_SECOND: UsageOptions =
    UsageOptions { interval: Duration::from_secs(1), longest_interval: Duration::from_mins(5), ..SELDOM };

async fn calls_in(store: &MemoryStore) -> u64 {
    let sums = store.sum_usage(&UsageSelection::ALL, &today()).await.unwrap();
    sums.iter().map(|sum| sum.calls).sum()
}

/// Returns the calls in the journals of the processes that these tests start, by their names.
async fn journaled(store: &MemoryStore) -> BTreeMap<String, u64> {
    let mut journals = BTreeMap::new();
    for seed in 1..4 {
        let mut bytes = [0; 16];
        SeededEntropy::new(seed).fill(&mut bytes);
        for number in 1..4 {
            let journal = format!("{:032x} {number}", u128::from_be_bytes(bytes));
            let mut last = 0;
            while let Some(part) = store.read_usage_journal(&journal, last).await.unwrap() {
                last = part.number;
                let calls = part.page.read(0, usize::MAX).0.iter().map(|uses| uses.accepted).sum::<u64>();
                *journals.entry(journal.clone()).or_default() += calls;
            }
        }
    }
    journals
}

/// Makes keys, each of which is used once.
async fn use_keys(counted: &Counted, keys: u64) -> Vec<Minted> {
    let mut made = Vec::new();
    for _ in 0..keys {
        let minted = counted.fixture.create(NewKey::default()).await;
        counted.verify_at(&minted, 1).await;
        made.push(minted);
    }
    made
}

#[tokio::test(start_paused = true)]
async fn the_uses_of_many_keys_are_gathered_in_a_journal_and_then_added() {
    let store = MemoryStore::default();
    let counted = Counted::over(Arc::new(store.clone()), Policy::default(), EVERY_SECOND, |builder| builder);
    let made = use_keys(&counted, 600).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!((calls_in(&store).await, journaled(&store).await.into_values().sum::<u64>()), (0, 600));
    counted.verify_at(&made[0], 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((calls_in(&store).await, journaled(&store).await.into_values().sum::<u64>()), (0, 601));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((calls_in(&store).await, journaled(&store).await), (601, BTreeMap::new()));
    // With few keys, each flush adds.
    counted.verify_at(&made[0], 1).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!((calls_in(&store).await, journaled(&store).await), (602, BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn what_is_gathered_is_added_at_once_where_it_is_urgent() {
    let store = MemoryStore::default();
    let counted = Counted::over(Arc::new(store.clone()), Policy::default(), EVERY_SECOND, |builder| builder);
    let made = use_keys(&counted, 600).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    counted.verify_at(&made[0], 1).await;
    counted.usage.flush().await.unwrap();
    assert_eq!((calls_in(&store).await, journaled(&store).await), (601, BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn the_journal_of_a_process_that_has_gone_is_added_once_by_another() {
    // At each number of portions that were added before.
    for seconds in [1, 3, 8, 9] {
        let store = MemoryStore::default();
        let gone = Counted::over(Arc::new(store.clone()), Policy::default(), EVERY_SECOND, |builder| builder);
        use_keys(&gone, 700).await;
        tokio::time::sleep(Duration::from_millis(1000 * seconds + 100)).await;
        let (is_journaled, added) = (journaled(&store).await.len() == 1, calls_in(&store).await);
        assert!(is_journaled && added < 700, "{seconds}: {added}");
        drop(gone);
        let start = |seed| {
            let clock = Arc::new(FakeClock::at(NOW.plus_millis(61_000)));
            let entropy = SeededEntropy::new(seed);
            Usage::start(Arc::new(store.clone()), clock, &entropy, Arc::new(Unmetered), EVERY_SECOND)
        };
        // Both, if they want to.
        let others = [start(2), start(3)];
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert_eq!((calls_in(&store).await, journaled(&store).await), (700, BTreeMap::new()), "{seconds}");
        drop(others);
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_somebody_else_has_taken_over_is_left_to_him_and_another_one_begun() {
    let store = MemoryStore::default();
    let counted = Counted::over(Arc::new(store.clone()), Policy::default(), EVERY_SECOND, |builder| builder);
    let made = use_keys(&counted, 600).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let now = NOW.plus_millis(1);
    let taken = store.take_over_usage_journal(now, now).await.unwrap().unwrap();
    counted.verify_at(&made[0], 1).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    // Its own share alone.
    assert_eq!(calls_in(&store).await, 1);
    assert_eq!(journaled(&store).await, BTreeMap::from([(taken, 600)]));
}

#[tokio::test(start_paused = true)]
async fn usage_reaches_the_store_within_an_interval_without_being_asked() {
    let store = MemoryStore::default();
    let every = UsageOptions { interval: Duration::from_secs(1), ..SELDOM };
    let counted = Counted::over(Arc::new(store.clone()), Policy::default(), every, |builder| builder);
    let minted = counted.fixture.create(NewKey::default()).await;
    for used in 1..4 {
        counted.verify_at(&minted, 1).await;
        tokio::time::sleep(Duration::from_millis(1001)).await;
        let sums = store.sum_usage(&UsageSelection::ALL, &today()).await.unwrap();
        assert_eq!(sums[0].calls, used);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_is_dropped_half_way_is_taken_up_again() {
    let (store, is_stuck) = (MemoryStore::default(), Arc::new(AtomicBool::new(true)));
    let stuck = Stuck { store: store.clone(), is_stuck: Arc::clone(&is_stuck) };
    let counted = Counted::over(Arc::new(stuck), Policy::default(), SELDOM, |builder| builder);
    let minted = counted.fixture.create(NewKey::default()).await;
    counted.verify_at(&minted, 1).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), counted.usage.flush()).await.is_err());
    is_stuck.store(false, Ordering::SeqCst);
    counted.usage.flush().await.unwrap();
    let sums = store.sum_usage(&UsageSelection::ALL, &today()).await.unwrap();
    assert_eq!(sums[0].calls, 1);
}

/// A store that adds what it is given, and does not answer while it is stuck.
struct Stuck {
    store: MemoryStore,
    is_stuck: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl UsageStore for Stuck {
    async fn add_usage(&self, flush: &UsageFlush) -> Result<bool, StoreError> {
        let added = self.store.add_usage(flush).await;
        if self.is_stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        added
    }

    async fn write_usage_journal(&self, part: &JournalPart) -> Result<bool, StoreError> {
        let written = self.store.write_usage_journal(part).await;
        if self.is_stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        written
    }

    async fn take_over_usage_journal(
        &self,
        untouched_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        self.store.take_over_usage_journal(untouched_since, now).await
    }

    async fn read_usage_journal(&self, journal: &str, after: u64) -> Result<Option<JournalPart>, StoreError> {
        self.store.read_usage_journal(journal, after).await
    }

    async fn remove_usage_journal(&self, journal: &str, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.store.remove_usage_journal(journal, limit).await
    }

    async fn sum_usage(
        &self,
        selection: &UsageSelection,
        window: &Window,
    ) -> Result<Vec<keymint_domain::metering::Sum>, StoreError> {
        self.store.sum_usage(selection, window).await
    }

    async fn sum_usage_by_key(
        &self,
        selection: &UsageSelection,
        window: &Window,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<keymint_domain::metering::KeySums>, StoreError> {
        self.store.sum_usage_by_key(selection, window, after, limit).await
    }

    async fn sum_usage_of(
        &self,
        keys: &[KeyId],
        window: &Window,
    ) -> Result<Vec<keymint_domain::metering::KeySums>, StoreError> {
        self.store.sum_usage_of(keys, window).await
    }

    async fn sum_unknown_usage(
        &self,
        window: &Window,
    ) -> Result<Vec<keymint_domain::metering::UnknownHour>, StoreError> {
        self.store.sum_unknown_usage(window).await
    }

    async fn find_activities(&self, keys: &[KeyId]) -> Result<Vec<keymint_domain::metering::Activity>, StoreError> {
        self.store.find_activities(keys).await
    }

    async fn roll_up_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.store.roll_up_usage(before, limit).await
    }

    async fn remove_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.store.remove_usage(before, limit).await
    }
}

#[tokio::test]
async fn a_store_that_fails_is_charged_nothing_in_the_statistics() {
    let mut store = keymint_ports::MockKeyStore::new();
    store
        .expect_spend()
        .returning(|attempts, _, _| Ok(attempts.iter().map(|_| Err(StoreError::unavailable("down"))).collect()));
    let (clock, memory) = (Arc::new(FakeClock::at(NOW)), MemoryStore::default());
    let usage = Usage::start(
        Arc::new(memory.clone()),
        Arc::clone(&clock) as _,
        &SeededEntropy::new(1),
        Arc::new(Unmetered),
        SELDOM,
    );
    let usage = Arc::new(usage);
    let keys = Keys::builder(Arc::new(store)).clock(clock).usage(Arc::clone(&usage)).build();
    keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new("k"))).await.unwrap_err();
    usage.flush().await.unwrap();
    assert_eq!(memory.sum_unknown_usage(&today()).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn old_hours_are_rolled_up_and_old_days_removed() {
    const DAY_MS: u64 = 24 * 3_600_000;
    let store = MemoryStore::default();
    let counted = Counted::over(Arc::new(store.clone()), Policy::default(), SELDOM, |builder| builder);
    let details = keymint_domain::ApiKey::clone(&counted.fixture.create(NewKey::default()).await.key).details;
    let now = counted.clock.now();
    let mut days_ago = Vec::new();
    for (number, days) in (1..).zip([0, 34, 35, 36, 399, 400, 401, 500]) {
        let at = now.minus_millis(days * DAY_MS);
        let taken = {
            let mut tallies = Tallies::default();
            let attempt = keymint_domain::verify::Attempt::new(&PlainKey::new("k"), &Policy::default());
            let key = keymint_domain::ApiKey {
                details: Arc::clone(&details),
                usage: keymint_domain::usage::Usage::new(None, at),
            };
            let verdict = keymint_domain::verify::Verdict::Accepted(key);
            tallies.count(&attempt, &verdict, &Policy::default(), at);
            tallies.take()
        };
        let (keys, unknown) = taken.into_parts();
        store.add_usage(&UsageFlush { process: "test".into(), number, at, keys, unknown }).await.unwrap();
        days_ago.push(days);
    }
    assert_eq!(counted.usage.keep_up().await.unwrap(), (5, 2));
    assert_eq!(counted.usage.keep_up().await.unwrap(), (0, 0));
    let window = Window::new(now.minus_millis(900 * DAY_MS), now.plus_millis(1), Step::Day).unwrap();
    let kept = store.sum_usage(&UsageSelection::of_owner(owner("ada")), &window).await.unwrap();
    let days: Vec<_> =
        kept.iter().map(|sum| Hour::of(now).day().start().millis_since(sum.start.start()) / DAY_MS).collect();
    assert_eq!(days, [400, 399, 36, 35, 34, 0]);
    let of_hours = Window::new(now.minus_millis(40 * DAY_MS), now.plus_millis(1), Step::Hour).unwrap();
    let hours = store.sum_usage(&UsageSelection::ALL, &of_hours).await.unwrap();
    let is_whole_day = |start: Timestamp| start == Hour::of(start).day().start();
    let whole: Vec<_> = hours.iter().map(|sum| is_whole_day(sum.start.start())).collect();
    assert_eq!(whole, [true, false, false, false]);
}
