use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use keymint_service::Caller;

use crate::callers::is_server;
use crate::error::ApiError;
use crate::live::CurrentApi;

/// The caller of an endpoint that users have no business with: [`Caller::Server`], or [`Caller::Anyone`] if the server
/// key is missing or wrong. The use case then refuses with Better Auth's code, which does not say which of the two it
/// was.
#[derive(Debug)]
pub(crate) struct ServerOrAnyone(pub(crate) Caller);

impl FromRequest for ServerOrAnyone {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let api = CurrentApi::of(&request)?;
            let is_server = is_server(&request, &api.server_keys).await?;
            Ok(Self(if is_server { Caller::Server } else { Caller::Anyone }))
        })
    }
}
