use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::Call;
use crate::wire::{CreatedView, read_create};

/// `POST /api-key/create` (wire document 7.1).
pub(super) async fn create(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let request = read_create(&mut members);
    let request = members.finish(Some(request))?;
    let minted = call.api.keys.create(&call.caller().await?, request).await?;
    Ok(HttpResponse::Ok().json(CreatedView::from(&minted)))
}
