//! Benchmarks of a batch of verifications in each store.

#![expect(clippy::unwrap_used, reason = "benchmark support")]

use std::sync::Arc;

use criterion::{Criterion, Throughput};
use keymint_domain::event::Origin;
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::verify::Attempt;
use keymint_domain::{Configuration, OwnerId, Policy, Timestamp};
use keymint_ports::{Entropy as _, KeyStore, SeededEntropy};
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};
use keymint_test_postgres::PrivateCluster;
use tokio::runtime::{Builder, Runtime};

const KEYS: usize = 1000;
const PLENTY: u64 = 2_147_483_647;
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn configuration() -> Configuration {
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = PLENTY;
    configuration
}

/// Adds keys with a quota and a rate limit that never refuse, and returns their texts.
async fn fill(store: &dyn KeyStore) -> Vec<PlainKey> {
    let (configuration, entropy) = (configuration(), SeededEntropy::new(1));
    let mut texts = Vec::new();
    for _ in 0..KEYS {
        let mut fill = |bytes: &mut [u8]| entropy.fill(bytes);
        let plain = PlainKey::generate("sk_", 32, &mut fill);
        let new = NewKey { remaining: Field::Given(PLENTY), ..NewKey::default() };
        let new = new.check(&configuration).unwrap();
        let minted = new.mint(OwnerId::parse("ada").unwrap(), plain.clone(), &mut fill, NOW);
        store.insert(&minted.key, None, &Origin::unrecorded()).await.unwrap();
        texts.push(plain);
    }
    texts
}

fn spend(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &Arc<dyn KeyStore>) {
    let texts = runtime.block_on(fill(&**store));
    let policy = Policy::new(vec![configuration()]).unwrap();
    let mut group = criterion.benchmark_group(format!("spend on {name}"));
    // A step that shares no factor with the number of keys, so that every key is used.
    let mut turns = (0..KEYS).cycle().step_by(37);
    for size in [1, 32, 512] {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(format!("{size} attempts"), |bencher| {
            bencher.to_async(runtime).iter(|| {
                let attempts = turns.by_ref().take(size).map(|turn| Attempt::new(&texts[turn], &policy));
                let attempts: Vec<_> = attempts.collect();
                let (store, policy) = (Arc::clone(store), &policy);
                async move {
                    let verdicts = store.spend(&attempts, policy, NOW).await.unwrap();
                    assert!(verdicts.iter().all(|verdict| verdict.as_ref().unwrap().accepted().is_some()));
                }
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();

    let memory: Arc<dyn KeyStore> = Arc::new(MemoryStore::default());
    spend(&mut criterion, &runtime, "memory", &memory);

    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("keymint.db"));
    let sqlite: Arc<dyn KeyStore> = Arc::new(runtime.block_on(SqliteStore::connect(&options)).unwrap());
    spend(&mut criterion, &runtime, "sqlite", &sqlite);

    let cluster = runtime.block_on(PrivateCluster::start_durable());
    let options = PgOptions::new(runtime.block_on(cluster.database()));
    let postgres: Arc<dyn KeyStore> = Arc::new(runtime.block_on(PgStore::connect(&options)).unwrap());
    spend(&mut criterion, &runtime, "postgres", &postgres);

    criterion.final_summary();
}
