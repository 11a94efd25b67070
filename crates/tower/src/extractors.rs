use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use keymint_guard::{Admission, DeniedRequest, KeyCheck, VerifiedKey};

use crate::layer::refuse;
use crate::peer::peer;
use crate::verification_of;

/// The verified key of a request, as an argument of a handler: requests without a valid key are refused.
///
/// Behind a [`RequireKey`](crate::RequireKey) it reuses the result. Without one, it verifies the key at cost 1 by the
/// [`KeyCheck`] in the request's extensions, where `.layer(Extension(check))` puts it, and requires no permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified(pub Arc<VerifiedKey>);

/// The way in which a guard admitted a request, as an argument of a handler. Without a guard, this is the same as [`Verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted(pub Admission);

/// The refusal of a request by an extractor, which answers like a guard.
#[derive(Debug)]
pub struct Rejection(pub DeniedRequest);

impl From<DeniedRequest> for Rejection {
    fn from(denied: DeniedRequest) -> Self {
        Self(denied)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        refuse(self.0).map(Body::from)
    }
}

async fn admit(parts: &mut Parts) -> Result<Admission, DeniedRequest> {
    let verification = verification_of(&mut parts.extensions);
    let (check, from) = (parts.extensions.get::<KeyCheck>(), peer(&parts.extensions));
    verification.of_handler(check, &parts.headers, from).await
}

impl<S: Sync> FromRequestParts<S> for Admitted {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self(admit(parts).await?))
    }
}

impl<S: Sync> FromRequestParts<S> for Verified {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let admission = admit(parts).await?;
        Ok(Self(admission.into_verified(parts.extensions.get::<KeyCheck>())?))
    }
}
