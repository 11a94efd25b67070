use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_service::ServerKeys;
use percent_encoding::percent_decode_str;

use super::bearer_token;
use crate::error::ApiError;

/// Returns true if the request shows a server key as a client of OAuth 2.0 shows its secret: as a bearer token, as the
/// password of Basic authentication, or as the field `client_secret` of the body (RFC 6749 2.3.1, RFC 7662 2.1). The
/// client's name does not matter.
///
/// # Errors
///
/// The request shows secrets in more than one of these ways, or the store with the server keys has failed.
pub(crate) async fn is_client(
    request: &HttpRequest,
    client_secret: Option<&str>,
    server_keys: &ServerKeys,
) -> Result<bool, ApiError> {
    let in_head = bearer_token(request).map(str::to_owned).or_else(|| basic_password(request));
    let shown = match (in_head, client_secret) {
        (Some(_), Some(_)) => {
            let message = "[body.client_secret] Shown beside Authorization: expected a server key in one place";
            return Err(ApiError::Validation(message.to_owned()));
        }
        (Some(secret), None) => secret,
        (None, Some(secret)) => return Ok(server_keys.admit(secret).await?),
        (None, None) => return Ok(false),
    };
    if server_keys.admit(&shown).await? {
        return Ok(true);
    }
    // RFC 6749 encodes the password once more. Many clients do not, so that the text itself comes first.
    match form_decoded(&shown) {
        Some(decoded) if decoded != shown => Ok(server_keys.admit(&decoded).await?),
        _ => Ok(false),
    }
}

/// Returns the password of `Authorization: Basic`, the scheme in any case.
fn basic_password(request: &HttpRequest) -> Option<String> {
    let line = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes)?;
    let (scheme, credentials) = line.split_at_checked(b"Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim_ascii()).ok()?).ok()?;
    Some(decoded.split_once(':')?.1.to_owned())
}

/// Decodes a text of `application/x-www-form-urlencoded`.
fn form_decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_password_is_what_follows_the_first_colon() {
        for (line, password) in [
            ("Basic YTpi", Some("b")),
            ("bASIC  YTpiOmM=", Some("b:c")),
            ("Basic Og==", Some("")),
            ("Basic YQ==", None),
            ("Basic ?", None),
            ("Bearer YTpi", None),
            ("Basic", None),
        ] {
            let request = TestRequest::default().insert_header((header::AUTHORIZATION, line)).to_http_request();
            assert_eq!(basic_password(&request).as_deref(), password, "{line}");
        }
    }

    #[test]
    fn a_text_is_decoded_once() {
        for (given, expected) in [("a+b%2B%25", Some("a b+%")), ("plain", Some("plain")), ("%ff", None)] {
            assert_eq!(form_decoded(given).as_deref(), expected, "{given}");
        }
    }
}
