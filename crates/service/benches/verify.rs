//! Benchmarks of a verification in process: over the memory store, on one thread, one at a time and 32 at once.

#![expect(clippy::unwrap_used, reason = "benchmark support")]

use std::sync::Arc;

use criterion::{Criterion, Throughput};
use futures_util::future::join_all;
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::verify::Verdict;
use keymint_domain::{Configuration, OwnerId, Policy};
use keymint_service::{Caller, CreateKey, Keys, VerifyKey};
use keymint_store_memory::MemoryStore;
use tokio::runtime::{Builder, Runtime};

const KEYS: usize = 1000;
const PLENTY: u64 = 2_147_483_647;

/// Returns a service, and the texts of its keys, each with a quota and a rate limit that never refuse.
async fn service() -> (Keys, Vec<PlainKey>) {
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = PLENTY;
    let policy = Policy::new(vec![configuration]).unwrap();
    let keys = Keys::builder(Arc::new(MemoryStore::default())).policy(policy).build();
    let mut plain = Vec::new();
    for _ in 0..KEYS {
        let new = NewKey { remaining: Field::Given(PLENTY), ..NewKey::default() };
        let owner = OwnerId::parse("ada").unwrap();
        plain.push(keys.create(&Caller::Server, CreateKey::of(owner, new)).await.unwrap().plain);
    }
    (keys, plain)
}

async fn verify(keys: &Keys, plain: &PlainKey) -> Verdict {
    let verdict = keys.verify(&Caller::Server, VerifyKey::of(plain.clone())).await.unwrap();
    assert!(verdict.accepted().is_some());
    verdict
}

fn in_flight(criterion: &mut Criterion, runtime: &Runtime) {
    let (keys, plain) = runtime.block_on(service());
    let mut group = criterion.benchmark_group("verify in memory");
    for at_once in [1, 32] {
        // A step that shares no factor with the number of keys, so that every key is used.
        let mut turns = (0..KEYS).cycle().step_by(37);
        group.throughput(Throughput::Elements(at_once as u64));
        group.bench_function(format!("{at_once} in flight"), |bencher| {
            bencher.to_async(runtime).iter(|| {
                let crowd = turns.by_ref().take(at_once).map(|turn| verify(&keys, &plain[turn]));
                join_all(crowd.collect::<Vec<_>>())
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    in_flight(&mut criterion, &runtime);
    criterion.final_summary();
}
