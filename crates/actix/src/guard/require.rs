use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use keymint_domain::ConfigId;
use keymint_guard::{Admission, KeyCheck, Requirement};

use super::verification_of;
use crate::callers::{ActixHeaders, peer};
use crate::error::ApiError;

/// Admits requests with a valid key, and refuses others like Keymint's own endpoints: `{"code", "message"}` with 401,
/// 403, or 429 with `Retry-After`, and 503 while keys cannot be verified. Answers tell the client how its key stands against its
/// limits.
///
/// It wraps an application, a scope or a resource. If guards are nested, or a handler takes a
/// [`Verified`](super::Verified) too, the outermost guard verifies the key at its cost, and the others reuse its
/// result.
#[derive(Debug, Clone)]
pub struct RequireKey(Requirement);

impl RequireKey {
    /// Requires any valid key, at cost 1.
    pub fn any() -> Self {
        Self(Requirement::any())
    }

    /// Requires a valid key that grants all of these actions: [`Requirement::permissions`].
    pub fn permissions(asked: &[(&str, &[&str])]) -> Self {
        Self(Requirement::permissions(asked))
    }

    /// Requires a key of this configuration.
    #[must_use]
    pub fn configuration(self, config_id: ConfigId) -> Self {
        Self(self.0.configuration(config_id))
    }

    /// Sets the cost of a request: [`Requirement::cost`].
    #[must_use]
    pub fn cost(self, cost: u32) -> Self {
        Self(self.0.cost(cost))
    }

    /// Admits requests with any key while keys cannot be verified: [`Requirement::fail_open`].
    #[must_use]
    pub fn fail_open(self) -> Self {
        Self(self.0.fail_open())
    }

    /// Lets a browser's preflight through without a key: [`Requirement::pass_preflights`].
    #[must_use]
    pub fn pass_preflights(self) -> Self {
        Self(self.0.pass_preflights())
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequireKey
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Guarded { service: Rc::new(service), requirement: Rc::new(self.0.clone()) }))
    }
}

/// A service behind a [`RequireKey`].
#[derive(Debug)]
pub struct Guarded<S> {
    service: Rc<S>,
    requirement: Rc<Requirement>,
}

impl<S, B> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, requirement) = (Rc::clone(&self.service), Rc::clone(&self.requirement));
        Box::pin(async move {
            let headers = ActixHeaders(request.headers());
            if requirement.passes_unseen(request.method().as_str(), &headers) {
                return Ok(service.call(request).await?.map_into_left_body());
            }
            let check = request.app_data::<KeyCheck>().cloned();
            let verification = verification_of(request.request());
            let admitted = verification.admit(check.as_ref(), &requirement, &headers, peer(request.request())).await;
            match admitted {
                Ok(admission) => {
                    let mut response = service.call(request).await?;
                    tell(response.headers_mut(), &admission, check.as_ref());
                    Ok(response.map_into_left_body())
                }
                Err(denied) => {
                    let request = request.into_parts().0;
                    Ok(ServiceResponse::from_err(ApiError::from(denied), request).map_into_right_body())
                }
            }
        })
    }
}

/// Tells the client of its key, where the handler has not said the same itself.
fn tell(headers: &mut HeaderMap, admission: &Admission, check: Option<&KeyCheck>) {
    let Some(check) = check else { return };
    admission.write_headers(check, |name, value| {
        if let (false, Ok(value)) = (headers.contains_key(name), HeaderValue::try_from(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    });
}
