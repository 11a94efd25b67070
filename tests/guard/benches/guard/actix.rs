use std::sync::Arc;

use actix_web::dev::Service as _;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, rt, web};
use criterion::{BatchSize, Criterion};
use keymint_actix::guard::{KeyCheck, RequireKey, Verified, VerifiedKey, Verifier, VerifierError};
use keymint_domain::verify::Refusal;
use keymint_service::VerifyKey;

use crate::{PATHS, service};

/// Answers at once with the same key: what is left is the cost of the guard and the extractor themselves.
struct Always(VerifiedKey);

#[async_trait::async_trait]
impl Verifier for Always {
    async fn verify(&self, _: VerifyKey) -> Result<Result<VerifiedKey, Refusal>, VerifierError> {
        Ok(Ok(self.0.clone()))
    }
}

async fn bare() -> &'static str {
    "ok"
}

async fn extracted(Verified(key): Verified) -> &'static str {
    if key.remaining == Some(0) { "last" } else { "ok" }
}

pub(crate) fn measure(criterion: &mut Criterion) {
    let runtime = rt::Runtime::new().unwrap();
    let (keys, plain) = runtime.block_on(service());
    let known = runtime.block_on(Verifier::verify(&*keys, VerifyKey::of(plain.clone()))).unwrap().unwrap();

    let mut group = criterion.benchmark_group("route");
    let checks = [("memory", KeyCheck::embedded(keys)), ("no verification", KeyCheck::by(Arc::new(Always(known))))];
    for (by, check) in checks {
        let guard = || RequireKey::permissions(&[("reports", &["read"])]);
        let app = App::new()
            .app_data(check)
            .route("/bare", web::get().to(bare))
            .route("/extractor", web::get().to(extracted))
            .service(web::resource("/guard").wrap(guard()).to(bare))
            .service(web::resource("/both").wrap(guard()).to(extracted));
        let app = runtime.block_on(init_service(app));
        for path in PATHS {
            group.bench_function(format!("{path}, {by}"), |bencher| {
                let request = || TestRequest::get().uri(path).insert_header(("x-api-key", plain.expose())).to_request();
                let call = |request| {
                    let response = runtime.block_on(app.call(request)).unwrap();
                    assert!(response.status().is_success());
                };
                bencher.iter_batched(request, call, BatchSize::SmallInput);
            });
        }
    }
    group.finish();
}
