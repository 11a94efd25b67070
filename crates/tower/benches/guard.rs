//! The cost that a guard and an extractor add to an axum route, in process: over the memory store, on one thread.

#![expect(clippy::unwrap_used, reason = "benchmark support")]

use std::sync::Arc;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use criterion::{BatchSize, Criterion};
use http::Request;
use keymint_service::domain::key::{Field, NewKey, PlainKey};
use keymint_service::domain::{Configuration, OwnerId, Permissions, Policy};
use keymint_service::{Caller, CreateKey, Keys};
use keymint_store_memory::MemoryStore;
use keymint_tower::{KeyCheck, RequireKey, Requirement, Verified};
use tower_service::Service as _;

const PLENTY: u64 = 2_147_483_647;

async fn bare() -> &'static str {
    "ok"
}

async fn extracted(Verified(key): Verified) -> &'static str {
    if key.remaining == Some(0) { "last" } else { "ok" }
}

/// A service whose one key has a quota, a rate limit and a permission that never refuse.
async fn service() -> (Arc<Keys>, PlainKey) {
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = PLENTY;
    let policy = Policy::new(vec![configuration]).unwrap();
    let keys = Keys::builder(Arc::new(MemoryStore::default())).policy(policy).build();
    let permissions = Some(Permissions::of(&[("reports", &["read"])]));
    let new = NewKey { remaining: Field::Given(PLENTY), permissions, ..NewKey::default() };
    let owner = OwnerId::parse("ada").unwrap();
    let plain = keys.create(&Caller::Server, CreateKey::of(owner, new)).await.unwrap().plain;
    (Arc::new(keys), plain)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (keys, plain) = runtime.block_on(service());
    let check = KeyCheck::embedded(keys);
    let guard = || RequireKey::new(&check, Requirement::permissions(&[("reports", &["read"])]));
    let mut app = Router::<()>::new()
        .route("/bare", get(bare))
        .route("/extractor", get(extracted).layer(Extension(check.clone())))
        .route("/guard", get(bare).layer(guard()))
        .route("/both", get(extracted).layer(guard()));
    let mut group = criterion.benchmark_group("route of axum");
    for path in ["/bare", "/extractor", "/guard", "/both"] {
        group.bench_function(path, |bencher| {
            let request = || Request::get(path).header("x-api-key", plain.expose()).body(Body::empty()).unwrap();
            let call = |request: Request<Body>| {
                let response = runtime.block_on(app.call(request)).unwrap();
                assert!(response.status().is_success());
            };
            bencher.iter_batched(request, call, BatchSize::SmallInput);
        });
    }
    group.finish();
    criterion.final_summary();
}
