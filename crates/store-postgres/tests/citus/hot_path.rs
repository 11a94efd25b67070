//! The number of distributed transactions, by the coordinator's own statistics.

use std::sync::Arc;
use std::time::Duration;

use keymint_conformance::sample::{self, NOW, UNRECORDED};
use keymint_domain::policy::Policy;
use keymint_domain::verify::Attempt;
use keymint_ports::KeyStore as _;
use keymint_store_postgres::PgStore;
use sqlx::query_scalar;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::moving::{begin, new_attempt, settle};
use crate::support::Database;

/// Returns the number of parts of two-phase commits so far. Citus writes a row for each, and removes it some time later.
///
/// No store may be open any more: sessions tell their statistics at their end.
async fn two_phase_commits(database: &Database) -> i64 {
    const SESSIONS: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name like 'keymint%'";
    const ROWS: &str = "select pg_stat_get_tuples_inserted('pg_dist_transaction'::regclass)";
    let mut stranger = database.stranger().await;
    while query_scalar::<_, i64>(SESSIONS).fetch_one(&mut stranger).await.unwrap() > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    query_scalar(ROWS).fetch_one(&mut stranger).await.unwrap()
}

/// Divides attempts as the lanes do.
fn by_shard(store: &PgStore, attempts: Vec<Attempt>) -> Vec<Vec<Attempt>> {
    let placement = store.placement();
    let mut batches = vec![Vec::new(); placement.shards.get()];
    for attempt in attempts {
        batches[placement.shard_of(attempt.hash()).number].push(attempt);
    }
    batches
}

#[tokio::test(flavor = "multi_thread")]
async fn verifications_take_no_distributed_transaction() {
    const KEYS: usize = 100;
    const ROUNDS: usize = 10;
    let database = Database::distributed().await;
    let names: Vec<String> = (0..KEYS).map(|number| number.to_string()).collect();
    let store = database.open().await;
    for (number, name) in names.iter().enumerate() {
        let key = match number % 3 {
            0 => sample::key(name),
            1 => sample::key_with_quota(name, 5),
            _ => sample::key_with_limit(name, 60_000, 5),
        };
        store.insert(&key, None, &UNRECORDED).await.unwrap();
    }
    drop(store);
    let before = two_phase_commits(&database).await;
    assert!(before >= 0);

    let mut runs = JoinSet::new();
    for _ in 0..2 {
        let store = Arc::new(database.open().await);
        let mut attempts: Vec<_> = names.iter().map(|name| sample::attempt(name)).collect();
        attempts.push(sample::attempt("unknown"));
        for batch in by_shard(&store, attempts) {
            let store = Arc::clone(&store);
            runs.spawn(async move {
                let mut accepted = 0;
                for _ in 0..ROUNDS {
                    let answers = store.spend(&batch, &Policy::default(), NOW).await.unwrap();
                    accepted += answers.iter().flatten().filter(|answer| answer.accepted().is_some()).count();
                }
                accepted
            });
        }
    }
    let accepted: usize = runs.join_all().await.into_iter().sum();
    let [unlimited, limited] = [34, 66];
    assert_eq!(accepted, unlimited * 2 * ROUNDS + limited * 5, "counted exactly over both");
    assert_eq!(two_phase_commits(&database).await, before, "no batch was committed in two phases");

    // The measure sees one if there is one.
    let store = database.open().await;
    let rotated = || names.iter().step_by(3).take(10);
    for name in rotated() {
        begin(&store, name).await;
    }
    drop(store);
    let before = two_phase_commits(&database).await;
    let store = database.open().await;
    for name in rotated() {
        assert!(settle(&store, &new_attempt(name)).await.unwrap().accepted().is_some());
    }
    drop(store);
    assert!(two_phase_commits(&database).await > before, "ten rotations were confirmed");
}
