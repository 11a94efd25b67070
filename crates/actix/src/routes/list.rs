use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::request::Authenticated;
use crate::validate::Object;
use crate::wire::{PageView, read_list};
use crate::{Api, ApiError};

/// `GET /api-key/list` (wire document 7.3).
pub(super) async fn list(
    Authenticated(caller): Authenticated,
    request: HttpRequest,
    api: Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let mut query = Object::query(&request)?;
    let asked = read_list(&mut query);
    let request = query.finish(Some(asked))?;
    let (limit, offset) = (request.limit, request.offset);
    let page = api.keys.list(&caller, request).await?;
    Ok(HttpResponse::Ok().json(PageView::new(&page, limit, offset)))
}
