use actix_web::HttpResponse;
use serde_json::json;

use crate::ApiError;
use crate::request::Call;
use crate::session::Outbox;
use crate::wire::read_sign_out;

/// `POST /sign-out` (docs/better-auth-wire.md 5.3). Whoever is not signed in is signed out as well.
pub(super) async fn sign_out(call: Call) -> Result<HttpResponse, ApiError> {
    let sessions = call.api.sessions.as_ref().ok_or(ApiError::NotFound)?;
    read_sign_out(call.body())?;
    for shown in sessions.shown(&call.http) {
        sessions.identity.sign_out(shown.token()).await?;
    }
    Outbox::send(&call.http, sessions.cookies.clear());
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}
