use actix_web::http::header::{self, HeaderMap};
use keymint_domain::Policy;
use keymint_domain::key::PlainKey;

use crate::ApiError;

/// The one key that a client's request shows: in any header of any configuration's `api_key_headers`, or as
/// `Authorization: Bearer`. The same key may be there more than once; two different ones are refused, since another
/// reader of the request might take the other. A text that is not ASCII is nobody's key.
pub(crate) fn shown_key(policy: &Policy, headers: &HeaderMap) -> Result<PlainKey, ApiError> {
    let names = policy.configurations().iter().flat_map(|configuration| &configuration.api_key_headers);
    let plain = names.flat_map(|name| headers.get_all(name.as_str())).filter(|line| bearer(line.as_bytes()).is_none());
    let plain = plain.map(|line| line.as_bytes().trim_ascii());
    let bearers = headers.get_all(header::AUTHORIZATION).filter_map(|line| bearer(line.as_bytes()));
    let mut shown: Option<&[u8]> = None;
    for key in plain.chain(bearers).filter(|key| !key.is_empty()) {
        if shown.is_some_and(|earlier| earlier != key) {
            return Err(ApiError::DifferentKeys);
        }
        shown = Some(key);
    }
    shown.map(|key| PlainKey::new(String::from_utf8_lossy(key))).ok_or(ApiError::MissingKey)
}

/// The token of `Bearer <token>`, the scheme in any case.
fn bearer(line: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = line.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use keymint_domain::{ConfigId, Configuration};

    use super::*;

    /// What is found in these lines: the key, or the code.
    fn found(lines: &[(&str, &[u8])]) -> String {
        let other = Configuration {
            api_key_headers: vec!["x-other".to_owned(), "authorization".to_owned()],
            ..Configuration::new(ConfigId::parse("other").unwrap())
        };
        let policy = Policy::new(vec![Configuration::default(), other]).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        match shown_key(&policy, &headers) {
            Ok(key) => key.expose().to_owned(),
            Err(error) => error.code().to_owned(),
        }
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
