//! The cost that a guard and an extractor add to a route of each framework, in process: over the memory store, on one
//! thread.

#![expect(clippy::unwrap_used, reason = "benchmark support")]

mod actix;
mod axum;

use std::sync::Arc;

use criterion::Criterion;
use keymint_domain::key::{Field, PlainKey};
use keymint_domain::{Configuration, Policy};
use keymint_guard_suite::support::mint;
use keymint_service::Keys;
use keymint_store_memory::MemoryStore;

/// The routes that every framework has: without a guard, with one part of it, and with both.
const PATHS: [&str; 4] = ["/bare", "/extractor", "/guard", "/both"];

/// A service whose one key has a quota, a rate limit and a permission that never refuse.
async fn service() -> (Arc<Keys>, PlainKey) {
    const PLENTY: u64 = 2_147_483_647;
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = PLENTY;
    let policy = Policy::new(vec![configuration]).unwrap();
    let keys = Keys::builder(Arc::new(MemoryStore::default())).policy(policy).build();
    let (_, plain) = mint(&keys, |new| new.remaining = Field::Given(PLENTY)).await;
    (Arc::new(keys), plain)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    actix::measure(&mut criterion);
    axum::measure(&mut criterion);
    criterion.final_summary();
}
