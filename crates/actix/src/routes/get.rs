use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::Call;
use crate::wire::{KeyView, read_config_id, read_id};

/// `GET /api-key/get?id=&configId=` (docs/better-auth-wire.md 7.2).
pub(super) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    let mut query = call.query()?;
    let config_id = read_config_id(&mut query);
    let id = read_id(&mut query, "id");
    let id = query.finish(id)?;
    let _turn = call.api.process.looks.take().await?;
    let key = call.api.keys.get(&call.caller().await?, &id, config_id.as_ref()).await?;
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}
