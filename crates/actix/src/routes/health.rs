use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::{Api, ApiError};

/// `GET /healthz`: the process is alive. It does not ask the store, so that a database that is down makes nobody
/// restart the process.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `GET /readyz`: the store answers, and the process is not about to stop.
pub(super) async fn ready(api: Data<Api>) -> Result<HttpResponse, ApiError> {
    if api.is_draining() {
        return Err(ApiError::Draining);
    }
    api.keys.ready().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}
