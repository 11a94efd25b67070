use actix_web::HttpResponse;
use actix_web::web::Data;
use keymint_service::Caller;

use crate::request::{Authenticated, JsonBody};
use crate::validate::Object;
use crate::wire::{CreatedView, read_create};
use crate::{Api, ApiError};

/// `POST /api-key/create` (wire document 7.1).
pub(super) async fn create(
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
    api: Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let mut members = Object::body(body.as_ref())?;
    let asked = read_create(&mut members);
    if caller == Caller::Server && !members.has("userId") {
        members.missing_text("userId");
    }
    let request = members.finish(Some(asked))?;
    let minted = api.keys.create(&caller, request).await?;
    Ok(HttpResponse::Ok().json(CreatedView::from(&minted)))
}
