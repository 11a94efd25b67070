use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::request::{Authenticated, JsonBody};
use crate::validate::Object;
use crate::wire::{KeyView, read_update};
use crate::{Api, ApiError};

/// `POST /api-key/update` (wire document 7.4).
pub(super) async fn update(
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
    api: Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let mut members = Object::body(body.as_ref())?;
    let request = read_update(&mut members);
    let request = members.finish(request)?;
    let key = api.keys.update(&caller, request).await?;
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}
