use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use keymint_domain::ErrorCode;
use serde_json::Value;

use super::TrustedOrigins;
use super::relative::is_safe_path;
use crate::error::ApiError;

/// Requires a trusted origin of a request that changes data and carries cookies (docs/better-auth-wire.md 3.1, 3.2).
///
/// # Errors
///
/// Returns the code of the refusal.
pub(crate) fn check_origin(request: &HttpRequest, trusted: &TrustedOrigins) -> Result<(), ErrorCode> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || !request.headers().contains_key(header::COOKIE) {
        return Ok(());
    }
    require_trusted(request.headers(), trusted)
}

/// Requires a trusted origin of a sign-in or sign-up from a browser, with or without cookies (docs/better-auth-wire.md
/// 3.6). Other clients send no origin, and pass.
///
/// # Errors
///
/// Returns the code of the refusal.
pub(crate) fn check_form(headers: &HeaderMap, trusted: &TrustedOrigins) -> Result<(), ErrorCode> {
    let [site, mode, destination] =
        ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"].map(|name| text(headers, name).trim());
    if headers.contains_key(header::COOKIE) {
        return require_trusted(headers, trusted);
    }
    if !(site.is_empty() && mode.is_empty() && destination.is_empty()) {
        if site == "cross-site" && mode == "navigate" {
            return Err(ErrorCode::CrossSiteNavigationLoginBlocked);
        }
        return require_trusted(headers, trusted);
    }
    if source(headers).is_empty() { Ok(()) } else { require_trusted(headers, trusted) }
}

/// Requires that the redirect URLs of a request are paths, or of a trusted origin (docs/better-auth-wire.md 3.5).
///
/// # Errors
///
/// Returns the code of the first refused URL, or [`ApiError::NotAText`].
pub(crate) fn check_callbacks(
    body: Option<&Value>,
    query_callback: Option<&str>,
    trusted: &TrustedOrigins,
) -> Result<(), ApiError> {
    let members = [
        ("callbackURL", "callbackURL", ErrorCode::InvalidCallbackUrl),
        ("redirectTo", "redirectURL", ErrorCode::InvalidRedirectUrl),
        ("errorCallbackURL", "errorCallbackURL", ErrorCode::InvalidErrorCallbackUrl),
        ("newUserCallbackURL", "newUserCallbackURL", ErrorCode::InvalidNewUserCallbackUrl),
    ];
    for (member, label, code) in members {
        let given = body.and_then(|body| body.get(member)).filter(|value| is_truthy(value));
        let url = match given {
            Some(Value::String(url)) => url.as_str(),
            Some(_) => return Err(ApiError::NotAText(label)),
            None if member == "callbackURL" => query_callback.unwrap_or_default(),
            None => "",
        };
        // A parser would drop or change these characters after the comparison, and no header can contain them.
        let is_plain = !url.chars().any(|c| c.is_control() || c == '\\');
        if !(url.is_empty() || is_safe_path(url) || (is_plain && !url.starts_with('/') && trusted.cover(url))) {
            return Err(code.into());
        }
    }
    Ok(())
}

fn require_trusted(headers: &HeaderMap, trusted: &TrustedOrigins) -> Result<(), ErrorCode> {
    match source(headers) {
        "" | "null" => Err(ErrorCode::MissingOrNullOrigin),
        origin if trusted.cover(origin) => Ok(()),
        _ => Err(ErrorCode::InvalidOrigin),
    }
}

/// Returns `Origin`, else `Referer`, else an empty text.
fn source(headers: &HeaderMap) -> &str {
    let origin = text(headers, "origin");
    if origin.is_empty() { text(headers, "referer") } else { origin }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    // A value that is not text is not an origin, and must not count as a missing one.
    headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"))
}

/// Returns JavaScript's truth of a value.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
