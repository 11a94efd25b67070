use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::request::{Authenticated, JsonBody};
use crate::validate::Object;
use crate::wire::{read_config_id, read_id};
use crate::{Api, ApiError};

/// `POST /api-key/delete` (wire document 7.5).
pub(super) async fn delete(
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
    api: Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let mut members = Object::body(body.as_ref())?;
    let config_id = read_config_id(&mut members);
    let id = read_id(&mut members, "keyId");
    let id = members.finish(id)?;
    api.keys.delete(&caller, &id, config_id.as_ref()).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}
