use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::Call;
use crate::wire::{KeyView, read_update};

/// `POST /api-key/update` (wire document 7.4).
pub(super) async fn update(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let request = read_update(&mut members);
    let request = members.finish(request)?;
    let key = call.api.keys.update(&call.caller().await?, request).await?;
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}
