//! Workers that fail, and shards that move.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keymint_conformance::sample::{self, NOW, UNRECORDED};
use keymint_domain::policy::Policy;
use keymint_ports::{KeyStore as _, StoreError};
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_test_postgres::Proxy;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, query, query_as, query_scalar};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::Database;

#[expect(clippy::disallowed_methods, reason = "the time that a fault takes is what is tested")]
fn now() -> Instant {
    Instant::now()
}

/// Puts a proxy in the place of the last worker, and returns it with the worker's group.
async fn before_worker(database: &Database) -> (Proxy, i32) {
    const WORKER: &str = "select nodeid, nodename, nodeport, groupid from pg_dist_node order by groupid desc limit 1";
    const UPDATE: &str = "select citus_update_node($1, $2, $3)";
    let mut coordinator = database.stranger().await;
    let (id, host, port, group): (i32, String, i32, i32) = query_as(WORKER).fetch_one(&mut coordinator).await.unwrap();
    let url: PgConnectOptions = database.url().parse().unwrap();
    let worker = url.host(&host).port(u16::try_from(port).unwrap());
    let proxy = Proxy::to(worker.to_url_lossy().as_str()).await;
    let through: PgConnectOptions = proxy.url().parse().unwrap();
    let update = query(UPDATE).bind(id).bind(through.get_host()).bind(i32::from(through.get_port()));
    update.execute(&mut coordinator).await.unwrap();
    (proxy, group)
}

/// Returns a name of a key in a shard of this group, and one of a key elsewhere.
async fn on_and_off(database: &Database, group: i32) -> [String; 2] {
    const ASK: &str = "select groupid from pg_dist_placement
        where shardid = get_shard_id_for_distribution_column('apikey', $1)";
    let mut coordinator = database.stranger().await;
    let mut found = [None, None];
    for number in 0.. {
        let name = number.to_string();
        let text = sample::plain(&name).hash();
        let own: i32 = query_scalar(ASK).bind(text.as_str()).fetch_one(&mut coordinator).await.unwrap();
        found[usize::from(own != group)] = Some(name);
        if let [Some(on), Some(off)] = &found {
            return [on.clone(), off.clone()];
        }
    }
    unreachable!()
}

async fn use_of(store: &PgStore, name: &str) -> Result<(), StoreError> {
    let answers = store.spend(&[sample::attempt(name)], &Policy::default(), NOW).await?;
    let verdict = answers.into_iter().next().unwrap()?;
    assert!(verdict.accepted().is_some(), "{verdict:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_worker_fails_its_own_keys_alone_and_they_come_back_with_it() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let database = Database::distributed().await;
    let (proxy, group) = before_worker(&database).await;
    let options = PgOptions {
        max_connections: 18,
        statement_timeout_ms: u64::try_from(TIMEOUT.as_millis()).unwrap(),
        ..PgOptions::new(database.url())
    };
    let store = Arc::new(PgStore::connect(&options).await.unwrap());
    let [on, off] = on_and_off(&database, group).await;
    for name in [&on, &off] {
        store.insert(&sample::key_with_quota(name, 10_000), None, &UNRECORDED).await.unwrap();
        use_of(&store, name).await.unwrap();
    }
    proxy.fall_silent();
    let (mut failures, mut uses) = (0, 1);
    let began = now();
    while began.elapsed() < 6 * TIMEOUT {
        let asked = now();
        let (of_silent, of_other) = tokio::join!(use_of(&store, &on), async {
            let answer = use_of(&store, &off).await;
            assert!(asked.elapsed() < TIMEOUT, "the other worker's keys wait: {:?}", asked.elapsed());
            answer
        });
        assert!(matches!(of_silent, Err(StoreError::Unavailable(_))), "{of_silent:?}");
        assert!(asked.elapsed() < TIMEOUT + Duration::from_secs(2), "{:?}", asked.elapsed());
        of_other.unwrap();
        (failures, uses) = (failures + 1, uses + 1);
    }
    assert!(failures > 1);
    proxy.cut();
    let back = now();
    while use_of(&store, &on).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(30), "its keys do not come back");
        sleep(Duration::from_millis(50)).await;
    }
    let left = store.find(&sample::id(&off)).await.unwrap().unwrap().usage.remaining;
    assert_eq!(left, Some(10_000 - uses));
}

/// Uses, by what became of them.
#[derive(Debug, Default)]
struct Book {
    accepted: u64,
    /// Each may have been counted.
    failed: u64,
}

/// Uses keys on all stores until `ended`, one use after the other on each. A use whose row is locked is made again.
fn load(stores: &[Arc<PgStore>], names: &[String], ended: &Arc<AtomicBool>) -> JoinSet<Book> {
    let mut runs = JoinSet::new();
    for (turn, store) in stores.iter().chain(stores).enumerate() {
        let (store, names, ended) = (Arc::clone(store), names.to_vec(), Arc::clone(ended));
        runs.spawn(async move {
            let mut book = Book::default();
            for name in names.iter().cycle().skip(turn * 7) {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                match use_of(&store, name).await {
                    Ok(()) => book.accepted += 1,
                    Err(StoreError::Locked) => {}
                    Err(_) => book.failed += 1,
                }
            }
            book
        });
    }
    runs
}

/// Checks that the database has counted all accepted uses, and nothing else than failed ones beyond.
async fn check(store: &PgStore, names: &[String], runs: JoinSet<Book>) -> Book {
    let mut all = Book::default();
    for book in runs.join_all().await {
        all.accepted += book.accepted;
        all.failed += book.failed;
    }
    let mut counted = 0;
    for name in names {
        let left = store.find(&sample::id(name)).await.unwrap().unwrap().usage.remaining.unwrap();
        counted += QUOTA - left;
    }
    assert!((all.accepted..=all.accepted + all.failed).contains(&counted), "{counted} counted of {all:?}");
    all
}

const QUOTA: u64 = 1_000_000;

async fn with_keys(store: &PgStore) -> Vec<String> {
    let names: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    for name in &names {
        store.insert(&sample::key_with_quota(name, QUOTA), None, &UNRECORDED).await.unwrap();
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_counted_exactly_while_shards_move_and_the_map_follows() {
    const MOVES: &str = "select s.shardid, f.nodename, f.nodeport, t.nodename, t.nodeport
        from pg_dist_shard as s join pg_dist_placement as p on p.shardid = s.shardid
            join pg_dist_node as f on f.groupid = p.groupid
            join pg_dist_node as t on t.groupid not in (0, p.groupid)
        where s.logicalrelid = 'apikey'::regclass order by 1";
    type Row = (i64, String, i32, String, i32);
    const MOVE: &str = "select citus_move_shard_placement($1, $2, $3, $4, $5, $6::text::citus.shard_transfer_mode)";
    let database = Database::distributed().await;
    let stores = [Arc::new(database.open().await), Arc::new(database.open().await)];
    let names = with_keys(&stores[0]).await;
    let placement = stores[1].placement();
    let nodes =
        || -> Vec<usize> { names.iter().map(|name| placement.shard_of(&sample::plain(name).hash()).node).collect() };
    let before = nodes();
    let ended = Arc::new(AtomicBool::new(false));
    let runs = load(&stores, &names, &ended);
    let mut coordinator = database.stranger().await;
    let moves: Vec<Row> = query_as(MOVES).fetch_all(&mut coordinator).await.unwrap();
    assert_eq!(moves.len(), 4, "each of four shards moves once, between two workers");
    for ((shard, from, from_port, to, to_port), mode) in
        moves.into_iter().zip(["block_writes", "force_logical"].iter().cycle())
    {
        let shift = query(MOVE).bind(shard).bind(from).bind(from_port).bind(to).bind(to_port).bind(mode);
        shift.execute(&mut coordinator).await.unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    let book = check(&stores[0], &names, runs).await;
    assert!(book.accepted > 0, "{book:?}");
    let began = now();
    while nodes().iter().zip(&before).any(|(now, before)| now == before) {
        assert!(began.elapsed() < Duration::from_mins(1), "the map does not follow");
        sleep(Duration::from_millis(100)).await;
    }
    for name in &names {
        use_of(&stores[1], name).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_counted_exactly_while_the_coordinator_is_lost_and_comes_back() {
    let database = Database::distributed().await;
    let proxy = Proxy::to(&database.url()).await;
    let open = async || {
        let options = PgOptions {
            max_connections: 6,
            statement_timeout_ms: 1000,
            acquire_timeout_ms: 1000,
            ..PgOptions::new(proxy.url())
        };
        Arc::new(PgStore::connect(&options).await.unwrap())
    };
    let stores = [open().await, open().await];
    let names = with_keys(&stores[0]).await;
    let ended = Arc::new(AtomicBool::new(false));
    let mut runs = load(&stores, &names, &ended);
    let mut own = Book::default();
    for silence in [false, true, false] {
        sleep(Duration::from_millis(500)).await;
        if silence {
            proxy.fall_silent();
            let asked = now();
            assert!(use_of(&stores[0], &names[0]).await.is_err());
            own.failed += 1;
            assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        }
        proxy.cut();
        let back = now();
        while use_of(&stores[0], &names[0]).await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(30), "no use is accepted after the return");
            own.failed += 1;
        }
        own.accepted += 1;
    }
    sleep(Duration::from_millis(500)).await;
    ended.store(true, Ordering::Relaxed);
    runs.spawn(async move { own });
    check(&stores[1], &names, runs).await;
}
