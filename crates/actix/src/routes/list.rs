use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::Call;
use crate::wire::{PageView, read_list};

/// `GET /api-key/list` (docs/better-auth-wire.md 7.3).
pub(super) async fn list(call: Call) -> Result<HttpResponse, ApiError> {
    let mut query = call.query()?;
    let request = read_list(&mut query);
    let request = query.finish(Some(request))?;
    let (limit, offset) = (request.limit, request.offset);
    let _turn = call.api.process.lists.take().await?;
    let page = call.api.keys.list(&call.caller().await?, request).await?;
    Ok(HttpResponse::Ok().json(PageView::new(&page, limit, offset)))
}
