//! Measures the statistics of uses of 1,000 keys over 400 days: questions about one key, and flushes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "benchmark support")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keymint_domain::key::{NewKey, PlainKey};
use keymint_domain::metering::{Hour, KeyHour, LastUse, Step, UsageFlush, UsageSelection, UsedKey, Window};
use keymint_domain::{Configuration, ErrorCode, KeyDetails, OwnerId, Timestamp};
use keymint_ports::{Entropy as _, SeededEntropy, StoreError, UsageStore};
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};
use keymint_test_postgres::PrivateCluster;
use tokio::runtime::Builder;

const KEYS: usize = 1000;
const DAYS: u32 = 400;
const HOURS_DAYS: u32 = 35;
const QUESTIONS: usize = 1000;
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Returns keys of owners with ten keys each, ordered by their ids.
fn keys(number: usize) -> Vec<Arc<KeyDetails>> {
    let (configuration, entropy) = (Configuration::default(), SeededEntropy::new(1));
    let mut fill = |bytes: &mut [u8]| entropy.fill(bytes);
    let mut keys: Vec<_> = (0..number)
        .map(|place| {
            let plain = PlainKey::generate("sk_", 32, &mut fill);
            let owner = OwnerId::parse(format!("owner {}", place / 10)).unwrap();
            NewKey::default().check(&configuration).unwrap().mint(owner, plain, &mut fill, NOW).key.details
        })
        .collect();
    keys.sort_by(|a, b| a.id.cmp(&b.id));
    keys
}

fn used(key: &Arc<KeyDetails>, hour: Hour) -> KeyHour {
    let refused = if hour.number() % 8 == 0 { vec![(ErrorCode::RateLimited, 3)] } else { Vec::new() };
    let last_use = Some(LastUse { at: hour.start(), network: None });
    KeyHour { key: UsedKey::from(&**key), hour, accepted: 100, cost: 150, refused, last_use }
}

/// Asks until there is an answer, and returns its time. A machine that is stopped meanwhile makes calls time out.
async fn timed<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> (Duration, T) {
    loop {
        let began = now();
        if let Ok(answer) = ask().await {
            return (began.elapsed(), answer);
        }
    }
}

/// Adds what is handed over in portions, and returns the time of each.
async fn flush(store: &dyn UsageStore, process: &str, number: &mut u64, entries: Vec<KeyHour>) -> Vec<Duration> {
    let mut times = Vec::new();
    for keys in entries.chunks(256) {
        *number += 1;
        let (process, keys) = (process.into(), keys.to_vec());
        let portion = UsageFlush { process, number: *number, at: NOW, keys, unknown: Vec::new() };
        times.push(timed(async || store.add_usage(&portion).await).await.0);
    }
    times
}

/// Fills the store as 400 days of use would: 35 days of hours, and days before.
async fn fill(store: &dyn UsageStore, keys: &[Arc<KeyDetails>]) {
    let (mut number, present) = (0, Hour::of(NOW));
    for days in (HOURS_DAYS..DAYS).rev() {
        let hour = present.minus_days(days);
        flush(store, "days", &mut number, keys.iter().map(|key| used(key, hour)).collect()).await;
    }
    let (before, limit) = (present.minus_days(HOURS_DAYS - 1), NonZeroU32::new(10_000).unwrap());
    while timed(async || store.roll_up_usage(before, limit).await).await.1 > 0 {}
    for hours in 0..i64::from(HOURS_DAYS) * 24 {
        let hour = Hour::from_number(present.number() - hours);
        flush(store, "hours", &mut number, keys.iter().map(|key| used(key, hour)).collect()).await;
    }
}

fn show(name: &str, what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!("{name}: {what}: p50 {:?}, p99 {:?}, max {:?} ({} times)", at(50), at(99), at(100), times.len());
}

async fn measure(name: &str, store: &dyn UsageStore) {
    let keys = keys(KEYS);
    let began = now();
    fill(store, &keys).await;
    println!("{name}: filled in {:?}", began.elapsed());
    let present = Hour::of(NOW).start().plus_millis(3_600_000);
    let day_ms = 24 * 3_600_000;
    let windows = [
        ("400 days by day", 400, Step::Day),
        ("400 days by month", 400, Step::Month),
        ("35 days by hour", 34, Step::Hour),
    ];
    for (what, days, step) in windows {
        let window = Window::new(present.minus_millis(days * day_ms), present, step).unwrap();
        let mut times = Vec::new();
        for turn in 0..QUESTIONS {
            let selection = UsageSelection::of_key(keys[turn * 37 % KEYS].id.clone());
            let (took, sums) = timed(async || store.sum_usage(&selection, &window).await).await;
            times.push(took);
            assert!(!sums.is_empty());
        }
        show(name, &format!("one key, {what}"), times);
    }
    let window = Window::new(present.minus_millis(31 * day_ms), present, Step::Month).unwrap();
    let mut times = Vec::new();
    for turn in 0..100 {
        let selection = UsageSelection::of_owner(OwnerId::parse(format!("owner {turn}")).unwrap());
        times.push(timed(async || store.sum_usage(&selection, &window).await).await.0);
    }
    show(name, "an owner's ten keys, 31 days by month", times);
    let mut times = Vec::new();
    for _ in 0..5 {
        let limit = NonZeroU32::new(1000).unwrap();
        times.push(timed(async || store.sum_usage_by_key(&UsageSelection::ALL, &window, None, limit).await).await.0);
    }
    show(name, "an invoice of 1,000 keys, 31 days", times);
    let many = self::keys(10_000);
    let (mut number, hour) = (0, Hour::of(NOW));
    flush(store, "warm", &mut number, many.iter().map(|key| used(key, hour)).collect()).await;
    let mut times = Vec::new();
    for _ in 0..10 {
        times.extend(flush(store, "warm", &mut number, many.iter().map(|key| used(key, hour)).collect()).await);
    }
    show(name, "a portion of a flush, 256 keys", times);
}

fn main() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keymint.db");
        let sqlite = SqliteStore::connect(&SqliteOptions::new(&path)).await.unwrap();
        measure("sqlite", &sqlite).await;
        sqlite.close().await.unwrap();
        println!("sqlite: {} MiB", std::fs::metadata(&path).unwrap().len() / (1024 * 1024));

        let cluster = PrivateCluster::start_durable().await;
        let postgres = PgStore::connect(&PgOptions::new(cluster.database().await)).await.unwrap();
        measure("postgres", &postgres).await;
    });
}
