use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use keymint_guard::{Admission, DeniedRequest, KeyCheck, Requirement};
use tower_layer::Layer;
use tower_service::Service;

use crate::peer::peer;
use crate::verification_of;

/// Admits requests whose key meets a requirement, and refuses others like Keymint's own endpoints: `{"code", "message"}` with 401,
/// 403, or 429 with `Retry-After`, and 503 while keys cannot be verified. Answers tell the client how its key stands against its
/// limits. The body of a request is not read.
///
/// If guards are nested, or a handler takes the key too, the outermost guard verifies the key at its cost, and the others reuse
/// its result. The service within finds an [`Admission`] among the extensions of the request. A refusal is an extension of its
/// response, as a [`DeniedRequest`], for logs.
#[derive(Debug, Clone)]
pub struct RequireKey {
    check: KeyCheck,
    requirement: Arc<Requirement>,
}

impl RequireKey {
    /// Requires `requirement` of keys that `check` verifies.
    pub fn new(check: &KeyCheck, requirement: Requirement) -> Self {
        Self { check: check.clone(), requirement: Arc::new(requirement) }
    }
}

impl<S> Layer<S> for RequireKey {
    type Service = Guarded<S>;

    fn layer(&self, service: S) -> Self::Service {
        Guarded { service, guard: self.clone() }
    }
}

/// A service behind a [`RequireKey`].
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    service: S,
    guard: RequireKey,
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that is ready is this one, and not its clone.
        let clone = self.service.clone();
        let mut service = mem::replace(&mut self.service, clone);
        let RequireKey { check, requirement } = self.guard.clone();
        Box::pin(async move {
            if requirement.passes_unseen(request.method().as_str(), request.headers()) {
                return service.call(request).await;
            }
            let (mut parts, body) = request.into_parts();
            let verification = verification_of(&mut parts.extensions);
            let from = peer(&parts.extensions);
            match verification.admit(Some(&check), &requirement, &parts.headers, from).await {
                Ok(admission) => {
                    parts.extensions.insert(check.clone());
                    parts.extensions.insert(admission.clone());
                    let mut response = service.call(Request::from_parts(parts, body)).await?;
                    tell(response.headers_mut(), &admission, &check);
                    Ok(response)
                }
                Err(denied) => Ok(refuse(denied).map(R::from)),
            }
        })
    }
}

/// Tells the client of its key, where the handler has not said the same itself.
fn tell(headers: &mut HeaderMap, admission: &Admission, check: &KeyCheck) {
    admission.write_headers(check, |name, value| {
        if let (false, Ok(value)) = (headers.contains_key(name), HeaderValue::try_from(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    });
}

/// Returns the answer to a denied request, with the reason for those who log it.
pub(crate) fn refuse(denied: DeniedRequest) -> Response<String> {
    let mut response = denied.response();
    response.extensions_mut().insert(denied);
    response
}
