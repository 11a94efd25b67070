use actix_web::HttpResponse;
use serde_json::json;

use crate::ApiError;
use crate::live::CurrentApi;

/// `GET /healthz`: the process is alive. It does not ask the store, so that a database that is down makes nobody
/// restart the process.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `GET /readyz`: verifications succeed, and the process is not about to stop.
pub(super) async fn ready(api: CurrentApi) -> Result<HttpResponse, ApiError> {
    if api.process.is_draining() {
        return Err(ApiError::Draining);
    }
    api.keys.ready().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}
