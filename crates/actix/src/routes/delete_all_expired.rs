use actix_web::HttpResponse;
use serde_json::json;

use crate::ApiError;
use crate::live::CurrentApi;
use crate::request::Authenticated;

/// `POST /api-key/delete-all-expired-api-keys` (docs/better-auth-wire.md 7.7). It takes no body.
pub(super) async fn delete_all_expired(
    Authenticated(caller): Authenticated,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    api.keys.delete_all_expired(&caller).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "error": null })))
}
