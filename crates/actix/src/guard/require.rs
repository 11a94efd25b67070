use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, Permissions};

use super::admission::Requirement;

/// Admits requests with a valid key, and refuses others like Keymint's own endpoints: `{"code", "message"}` with 401,
/// 403, or 429 with `Retry-After`, and 503 while keys cannot be verified.
///
/// It wraps an application, a scope or a resource. If guards are nested, or a handler takes a
/// [`VerifiedKey`](super::VerifiedKey) too, the outermost guard verifies the key at its cost, and the others reuse its
/// result.
#[derive(Debug, Clone)]
pub struct RequireKey(Requirement);

impl RequireKey {
    /// Requires any valid key, at cost 1.
    pub fn any() -> Self {
        Self(Requirement::default())
    }

    /// Requires a valid key that grants all of these actions, as `&[("files", &["read"])]`, at cost 1. No key grants an
    /// empty list.
    pub fn permissions(asked: &[(&str, &[&str])]) -> Self {
        Self(Requirement { permissions: Some(Permissions::of(asked)), ..Requirement::default() })
    }

    /// Requires a key of this configuration.
    #[must_use]
    pub fn configuration(self, config_id: ConfigId) -> Self {
        Self(Requirement { config_id: Some(config_id), ..self.0 })
    }

    /// Sets the cost of a request to quota and rate limit; 0 = a look, without a charge.
    #[must_use]
    pub fn cost(self, cost: u32) -> Self {
        Self(Requirement { cost: Cost(cost), ..self.0 })
    }

    /// Admits requests with any key while keys cannot be verified. Handlers then take an
    /// [`Admission`](super::Admission); a [`VerifiedKey`](super::VerifiedKey) still refuses such requests.
    #[must_use]
    pub fn fail_open(self) -> Self {
        Self(Requirement { fails_open: true, ..self.0 })
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
            // The inner service needs exclusive access to the request, so this handle is dropped first.
            let admitted = requirement.admit(&request.request().clone()).await;
            match admitted {
                Ok(_) => Ok(service.call(request).await?.map_into_left_body()),
                Err(error) => {
                    let request = request.into_parts().0;
                    Ok(ServiceResponse::from_err(error, request).map_into_right_body())
                }
            }
        })
    }
}
