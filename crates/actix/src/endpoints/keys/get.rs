//! `GET /api-key/get` (docs/better-auth-wire.md 7.2).

use actix_web::HttpResponse;
use keymint_domain::{ErrorCode, KeyId};
use keymint_service::ServiceError;

use super::{of_users, read_key};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::Shape;
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::{KeyView, Reader};

/// Writes the query of a request for a key.
pub fn write(id: &KeyId) -> [(&'static str, String); 1] {
    [("id", id.as_str().to_owned())]
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let malformed = "[query.id] Invalid input: expected string, received undefined".to_owned();
    of_users("getApiKey", "Shows one key.")
        .takes(Shape::of_query(context.policy, |query| read_key(query, "id")))
        .answers::<KeyView<'_>>("The key.", examples::key())
        .fails([ApiError::Validation(malformed)])
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn get(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (id, config_id) = request.read_query(|query| read_key(query, "id"))?;
    let _turn = request.api.process.reads.take().await?;
    let caller = request.caller().await?;
    let key = request.api.keys.get(&caller, &id, config_id.as_ref()).await?;
    Ok(HttpResponse::Ok().json(KeyView::in_full(&key, Reader::from(&caller), request.api.keys.policy())))
}
