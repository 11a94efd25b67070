use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use criterion::{BatchSize, Criterion};
use http::Request;
use keymint_tower::{KeyCheck, RequireKey, Requirement, Verified};
use tower_service::Service as _;

use crate::{PATHS, service};

async fn bare() -> &'static str {
    "ok"
}

async fn extracted(Verified(key): Verified) -> &'static str {
    if key.remaining == Some(0) { "last" } else { "ok" }
}

pub(crate) fn measure(criterion: &mut Criterion) {
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
    for path in PATHS {
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
}
