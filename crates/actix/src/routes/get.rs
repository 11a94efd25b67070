use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::request::Authenticated;
use crate::validate::Object;
use crate::wire::{KeyView, read_config_id, read_id};
use crate::{Api, ApiError};

/// `GET /api-key/get?id=&configId=` (wire document 7.2).
pub(super) async fn get(
    Authenticated(caller): Authenticated,
    request: HttpRequest,
    api: Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let mut query = Object::query(&request)?;
    let config_id = read_config_id(&mut query);
    let id = read_id(&mut query, "id");
    let id = query.finish(id)?;
    let key = api.keys.get(&caller, &id, config_id.as_ref()).await?;
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}
