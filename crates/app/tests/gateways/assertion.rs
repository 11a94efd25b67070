//! The content of an `X-Key-Assertion`. Its signature is tested with applications that verify it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Returns the claims of an assertion.
pub(crate) fn claims(assertion: &str) -> Value {
    let claims = assertion.split('.').nth(1).unwrap_or_else(|| panic!("{assertion} is no JWT"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}
