use actix_web::HttpRequest;
use actix_web::http::header;
use keymint_ports::StoreError;
use keymint_service::ServerKeys;

/// Returns true if the request shows a server key.
pub(crate) async fn is_server(request: &HttpRequest, server_keys: &ServerKeys) -> Result<bool, StoreError> {
    match bearer_token(request) {
        Some(token) => server_keys.admit(token).await,
        None => Ok(false),
    }
}

/// Returns the token of `Authorization: Bearer <token>`, the scheme in any case.
pub(crate) fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
