use actix_web::http::header::HeaderMap;
use keymint_domain::Policy;
use keymint_domain::key::PlainKey;

use crate::ApiError;
use crate::request::{NoKey, one_key};

/// The one key that a client's request shows: in any header of any configuration's `api_key_headers`, or as
/// `Authorization: Bearer`.
pub(crate) fn shown_key(policy: &Policy, headers: &HeaderMap) -> Result<PlainKey, ApiError> {
    let names = policy.configurations().iter().flat_map(|configuration| &configuration.api_key_headers);
    one_key(names.map(String::as_str), true, headers).map_err(|none| match none {
        NoKey::Missing => ApiError::MissingKey,
        NoKey::Different => ApiError::DifferentKeys,
    })
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
