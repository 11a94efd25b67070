use actix_web::http::header::HeaderMap;
use keymint_domain::Policy;
use keymint_domain::key::PlainKey;

use crate::ApiError;
use crate::request::{NoKey, headers_of_key, one_key};

/// The one key that a client's request shows: in any header of any configuration's `api_key_headers`, or, with `bearer`, as
/// `Authorization: Bearer`.
pub(crate) fn shown_key(policy: &Policy, bearer: bool, headers: &HeaderMap) -> Result<PlainKey, ApiError> {
    one_key(names(policy), bearer, headers).map_err(|none| match none {
        NoKey::Missing => ApiError::MissingKey,
        NoKey::Different => ApiError::DifferentKeys,
    })
}

/// The headers that show it, between commas.
pub(crate) fn showing_headers(policy: &Policy, bearer: bool, headers: &HeaderMap) -> String {
    headers_of_key(names(policy), bearer, headers).join(",")
}

fn names(policy: &Policy) -> impl Iterator<Item = &str> {
    let names = policy.configurations().iter().flat_map(|configuration| &configuration.api_key_headers);
    names.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use keymint_domain::{ConfigId, Configuration};

    use super::*;

    /// Finds in these lines the key and its place, or returns the code.
    fn found_with(bearer: bool, lines: &[(&str, &[u8])]) -> (String, String) {
        let other = Configuration {
            api_key_headers: vec!["x-other".to_owned(), "Authorization".to_owned(), "X-Api-Key".to_owned()],
            ..Configuration::new(ConfigId::parse("other").unwrap())
        };
        let policy = Policy::new(vec![Configuration::default(), other]).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        match shown_key(&policy, bearer, &headers) {
            Ok(key) => (key.expose().to_owned(), showing_headers(&policy, bearer, &headers)),
            Err(error) => (error.code().to_owned(), String::new()),
        }
    }

    fn found(lines: &[(&str, &[u8])]) -> String {
        found_with(true, lines).0
    }

    #[test]
    fn the_headers_that_show_the_key_are_told_and_no_others() {
        let is = |bearer, lines: &[(&str, &[u8])], key: &str, headers: &str| {
            assert_eq!(found_with(bearer, lines), (key.to_owned(), headers.to_owned()), "{bearer} {lines:?}");
        };
        is(true, &[("x-api-key", b"k"), ("x-other", b""), ("authorization", b"Bearer ")], "k", "x-api-key");
        is(true, &[("x-api-key", b" k"), ("x-other", b"k")], "k", "x-api-key,x-other");
        is(true, &[("x-api-key", b"k"), ("authorization", b"Bearer k")], "k", "authorization,x-api-key");
        is(true, &[("authorization", b"Bearer k")], "k", "authorization");
        is(false, &[("x-api-key", b"k"), ("authorization", b"Bearer jwt")], "k", "x-api-key");
        is(false, &[("x-api-key", b"k"), ("authorization", b"Bearer k")], "k", "x-api-key");
        is(false, &[("authorization", b"k")], "k", "authorization");
        is(false, &[("authorization", b"Bearer k")], "MISSING_API_KEY", "");
        is(false, &[("x-api-key", b"k"), ("authorization", b"l")], "DIFFERENT_API_KEYS", "");
        is(true, &[("x-api-key", b"Bearer l"), ("authorization", b"Bearer k")], "DIFFERENT_API_KEYS", "");
    }

    #[test]
    fn the_key_is_found_wherever_it_may_be() {
        assert_eq!(found(&[("x-api-key", b"k")]), "k");
        assert_eq!(found(&[("x-other", b" k ")]), "k");
        assert_eq!(found(&[("authorization", b"bEARER  k")]), "k");
        assert_eq!(found(&[("authorization", b"k")]), "k", "a header that a configuration names");
        assert_eq!(found(&[("x-api-key", b""), ("x-api-key", b"k"), ("authorization", b"Bearer k")]), "k");
        assert_eq!(found(&[("x-api-key", b"\xff")]), "\u{fffd}", "nobody's");
        assert_eq!(found(&[]), "MISSING_API_KEY");
        assert_eq!(
            found(&[("x-unknown", b"k"), ("x-api-key", b" "), ("authorization", b"Bearer ")]),
            "MISSING_API_KEY"
        );
    }

    #[test]
    fn two_different_keys_are_none() {
        assert_eq!(found(&[("x-api-key", b"k"), ("x-api-key", b"l")]), "DIFFERENT_API_KEYS");
        assert_eq!(found(&[("x-api-key", b"k"), ("x-other", b"K")]), "DIFFERENT_API_KEYS");
        assert_eq!(found(&[("authorization", b"Bearer k"), ("authorization", b"Bearer l")]), "DIFFERENT_API_KEYS");
        assert_eq!(found(&[("x-api-key", b"\xff"), ("x-api-key", b"\xfe")]), "DIFFERENT_API_KEYS");
    }
}
