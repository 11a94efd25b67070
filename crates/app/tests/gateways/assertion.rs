//! What an `X-Key-Assertion` says; that it holds is tested where applications verify it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Its claims.
pub(crate) fn claims(assertion: &str) -> Value {
    let claims = assertion.split('.').nth(1).unwrap_or_else(|| panic!("{assertion} is no JWT"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}
