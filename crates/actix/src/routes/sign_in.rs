use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use keymint_domain::identity::Client;
use keymint_service::SignedIn;

use crate::ApiError;
use crate::request::{Call, client_address};
use crate::session::{Outbox, Sessions};
use crate::wire::{SignedInView, read_sign_in};

/// `POST /sign-in/email` (docs/better-auth-wire.md 5.2).
pub(super) async fn sign_in(call: Call) -> Result<HttpResponse, ApiError> {
    let (sessions, client) = enter(&call)?;
    let mut members = call.members()?;
    let asked = read_sign_in(&mut members);
    let (request, callback_url) = members.finish(asked)?;
    call.check_form()?;
    let remember = request.remember;
    let signed_in = sessions.identity.sign_in(request, client).await?;
    let mut answer = answer_signed_in(&call, sessions, &signed_in, remember);
    if let Some(url) = callback_url.as_ref().filter(|url| !url.is_empty()) {
        answer.insert_header((header::LOCATION, url.as_str()));
    }
    Ok(answer.json(SignedInView::new(&signed_in, callback_url.as_deref())))
}

/// Lets somebody try to sign in or up, unless their address has tried too often. Says from where they come.
pub(super) fn enter(call: &Call) -> Result<(&Sessions, Client), ApiError> {
    let sessions = call.api.sessions.as_ref().ok_or(ApiError::NotFound)?;
    let address = client_address(&call.http, &call.api.options.trusted_proxies);
    if let (Some(throttle), Some(address)) = (&sessions.throttle, address) {
        throttle.check(address).map_err(ApiError::Throttled)?;
    }
    let user_agent = call.http.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    // Better Auth writes an empty text for what it does not know (docs/better-auth-wire.md 4.10).
    let client = Client {
        ip_address: Some(address.map(|address| address.to_string()).unwrap_or_default()),
        user_agent: Some(user_agent.unwrap_or_default().replace('\0', "")),
    };
    Ok((sessions, client))
}

/// The head of an answer to somebody who has signed in: the cookies, and the token for those who keep none.
pub(super) fn answer_signed_in(
    call: &Call,
    sessions: &Sessions,
    signed_in: &SignedIn,
    remember: bool,
) -> HttpResponseBuilder {
    let token = &signed_in.session.token;
    Outbox::send(&call.http, sessions.cookies.set(token, remember));
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("set-auth-token", sessions.cookies.signed(token)));
    answer
}
