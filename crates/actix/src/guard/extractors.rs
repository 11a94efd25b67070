use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use keymint_guard::{Admission, DeniedRequest, KeyCheck, Verification, VerifiedKey};

use super::verification_of;
use crate::callers::{ActixHeaders, peer};
use crate::error::ApiError;

/// The verified key of a request, as an argument of a handler: requests without a valid key are refused. Without a guard, this
/// verifies the key at cost 1 and requires no permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified(pub Arc<VerifiedKey>);

/// The way in which a guard admitted a request, as an argument of a handler. Without a guard, this is the same as [`Verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted(pub Admission);

async fn admit(request: &HttpRequest, verification: &Verification) -> Result<Admission, DeniedRequest> {
    let check = request.app_data::<KeyCheck>();
    verification.of_handler(check, &ActixHeaders(request.headers()), peer(request)).await
}

impl FromRequest for Admitted {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (request, verification) = (request.clone(), verification_of(request));
        Box::pin(async move { Ok(Self(admit(&request, &verification).await?)) })
    }
}

impl FromRequest for Verified {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (request, verification) = (request.clone(), verification_of(request));
        Box::pin(async move {
            let admission = admit(&request, &verification).await?;
            Ok(Self(admission.into_verified(request.app_data::<KeyCheck>())?))
        })
    }
}
