use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use keymint_domain::ErrorCode;
use serde_json::Value;

use crate::ApiError;
use crate::request::{Call, client_address};
use crate::wire::{KeySessionView, SessionView};

/// `GET /get-session` (docs/better-auth-wire.md 5.4, 9). A request that shows a key is answered with a session of the key's owner,
/// whatever its method.
pub(super) async fn get_session(call: Result<Call, ApiError>) -> HttpResponse {
    let answered = async { answer(call?).await };
    let mut answer = answered.await.unwrap_or_else(HttpResponse::from_error);
    // Errors too: each is about one user at one moment.
    for (name, value) in [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

async fn answer(call: Call) -> Result<HttpResponse, ApiError> {
    let sessions = call.api.sessions.as_ref().ok_or(ApiError::NotFound)?;
    if let Some((holder, key)) = call.key_holder() {
        let address = client_address(&call.http, &call.api.options.trusted_proxies);
        let user_agent = call.http.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let (lifetime, now) = (sessions.identity.lifetime(), sessions.identity.now());
        return Ok(HttpResponse::Ok().json(KeySessionView::new(holder, key, lifetime, now, address, user_agent)));
    }
    if *call.http.method() != Method::GET {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    let _turn = call.api.process.looks.take().await?;
    let found = call.signed_in().await?.filter(|found| !found.user.is_banned(sessions.identity.now()));
    match found {
        Some(found) => Ok(HttpResponse::Ok().json(SessionView::new(&found, sessions.shows_organization))),
        None => Ok(HttpResponse::Ok().json(Value::Null)),
    }
}
