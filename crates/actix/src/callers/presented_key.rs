use actix_web::http::header::HeaderMap;
use keymint_domain::Policy;
use keymint_domain::key::PlainKey;
use keymint_guard::{NotAdmitted, Schemes, headers_of_key, one_key};

use super::ActixHeaders;

/// Returns the one key that a gateway's client shows: in any header of any configuration's `api_key_headers`, or, with `bearer`,
/// as `Authorization: Bearer`.
pub(crate) fn presented_key(policy: &Policy, bearer: bool, headers: &HeaderMap) -> Result<PlainKey, NotAdmitted> {
    one_key(names(policy), Schemes { bearer, basic: false }, &ActixHeaders(headers))
}

/// Returns the headers that show the key, between commas.
pub(crate) fn presenting_headers(policy: &Policy, bearer: bool, headers: &HeaderMap) -> String {
    headers_of_key(names(policy), Schemes { bearer, basic: false }, &ActixHeaders(headers)).join(",")
}

fn names(policy: &Policy) -> impl Iterator<Item = &str> {
    let names = policy.configurations().iter().flat_map(|configuration| &configuration.api_key_headers);
    names.map(String::as_str)
}
