use actix_web::HttpResponse;
use actix_web::http::{Method, header};
use keymint_domain::ErrorCode;
use serde_json::Value;

use crate::ApiError;
use crate::request::{Call, client_address};
use crate::wire::{KeySessionView, SessionView};

/// `GET /get-session` (wire document 5.4, 9). A request that shows a key is answered with a session of the key's owner,
/// whatever its method.
pub(super) async fn get_session(call: Call) -> Result<HttpResponse, ApiError> {
    let sessions = call.api.sessions.as_ref().ok_or(ApiError::NotFound)?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache"));
    if let Some((holder, key)) = call.key_holder() {
        let address = client_address(&call.http, &call.api.options.trusted_proxies);
        let user_agent = call.http.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let (lifetime, now) = (sessions.identity.lifetime(), sessions.identity.now());
        return Ok(answer.json(KeySessionView::new(holder, key, lifetime, now, address, user_agent)));
    }
    if *call.http.method() != Method::GET {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    let found = call.signed_in().await?.filter(|found| !found.user.is_banned(sessions.identity.now()));
    match found {
        Some(found) => Ok(answer.json(SessionView::new(&found, sessions.shows_organization))),
        None => Ok(answer.json(Value::Null)),
    }
}
