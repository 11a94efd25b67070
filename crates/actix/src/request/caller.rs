use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use keymint_service::Caller;

use crate::live::CurrentApi;
use crate::{Api, ApiError};

/// Who asks, where only servers count: on endpoints that no user has business with. A wrong or missing credential makes
/// [`Caller::Anyone`], without a word about what was wrong with it; the use case then refuses, with the code that Better
/// Auth has for it.
#[derive(Debug)]
pub struct Authenticated(pub Caller);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let api = CurrentApi::of(&request)?;
            Ok(Self(if is_server(&request, &api).await? { Caller::Server } else { Caller::Anyone }))
        })
    }
}

/// Whether the request shows a server key.
pub(super) async fn is_server(request: &HttpRequest, api: &Api) -> Result<bool, ApiError> {
    match bearer_token(request) {
        Some(token) => Ok(api.server_keys.admit(token).await?),
        None => Ok(false),
    }
}

/// The token of `Authorization: Bearer <token>`, the scheme in any case.
pub(crate) fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
