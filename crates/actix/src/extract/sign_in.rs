use actix_web::HttpRequest;
use actix_web::http::header;
use keymint_domain::identity::Client;

use crate::api::Api;
use crate::callers::client_address;
use crate::callers::session::Sessions;
use crate::error::ApiError;

/// Admits a client to sign-in or sign-up, and returns its address and user agent.
///
/// # Errors
///
/// The client's address has tried too often.
pub(crate) fn admit(http: &HttpRequest, api: &Api, sessions: &Sessions) -> Result<Client, ApiError> {
    let address = client_address(http, &api.options.trusted_proxies);
    if let (Some(throttle), Some(address)) = (&sessions.throttle, address) {
        throttle.check(address).map_err(ApiError::Throttled)?;
    }
    let user_agent = http.headers().get(header::USER_AGENT);
    let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    // Better Auth writes an empty text for what it does not know (docs/better-auth-wire.md 4.10).
    Ok(Client {
        ip_address: Some(address.map(|address| address.to_string()).unwrap_or_default()),
        user_agent: Some(kept(&user_agent.unwrap_or_default())),
    })
}

/// Returns what is kept of a `User-Agent`. A head may hold one of 128 KiB, and anybody may sign in.
fn kept(user_agent: &str) -> String {
    user_agent.chars().filter(|character| *character != '\0').take(Client::MAX_USER_AGENT).collect()
}
