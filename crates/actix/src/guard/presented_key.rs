use actix_web::http::header::{HeaderMap, HeaderName};
use keymint_domain::ErrorCode;
use keymint_domain::key::PlainKey;

use crate::callers::{NoKey, one_key};

/// The headers in which requests carry their keys.
#[derive(Debug, Clone)]
pub(super) struct KeyHeaders {
    /// The headers that contain only a key.
    pub(super) names: Vec<HeaderName>,
    /// True if `Authorization: Bearer` may contain a key.
    pub(super) bearer: bool,
}

impl KeyHeaders {
    /// Returns the key of a request.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` without a key, and `INVALID_API_KEY` for two different keys: a second key must not pass
    /// unseen beside a first one that something else has checked.
    pub(super) fn key(&self, headers: &HeaderMap) -> Result<PlainKey, ErrorCode> {
        one_key(self.names.iter().map(HeaderName::as_str), self.bearer, headers).map_err(|none| match none {
            NoKey::Missing => ErrorCode::Unauthorized,
            NoKey::Different => ErrorCode::InvalidApiKey,
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;
    use actix_web::test::TestRequest;

    use super::*;

    fn presented(lines: &[(&str, &str)]) -> Result<String, ErrorCode> {
        let headers = KeyHeaders { names: vec![HeaderName::from_static("x-api-key")], bearer: true };
        let request = lines.iter().fold(TestRequest::default(), |request, line| request.append_header(*line));
        headers.key(request.to_http_request().headers()).map(|key| key.expose().to_owned())
    }

    #[test]
    fn a_key_is_shown_in_its_header_or_as_a_bearer_token() {
        assert_eq!(presented(&[("X-Api-Key", "k")]), Ok("k".to_owned()));
        assert_eq!(presented(&[("authorization", "bEaReR  k ")]), Ok("k".to_owned()));
        assert_eq!(presented(&[("authorization", "Basic azo="), ("x-api-key", "k")]), Ok("k".to_owned()));
        let both = KeyHeaders { names: vec![header::AUTHORIZATION], bearer: true };
        let request = TestRequest::default().append_header(("authorization", "Bearer k")).to_http_request();
        assert_eq!(both.key(request.headers()), Ok(PlainKey::new("k")), "a header of both kinds");
        for nothing in [&[][..], &[("x-api-key", "")], &[("authorization", "Bearer")], &[("x-key", "k")]] {
            assert_eq!(presented(nothing), Err(ErrorCode::Unauthorized), "{nothing:?}");
        }
    }

    #[test]
    fn two_different_keys_are_none() {
        assert_eq!(
            presented(&[("x-api-key", "k"), ("x-api-key", "k"), ("authorization", "Bearer k")]),
            Ok("k".to_owned())
        );
        for two in [
            [("x-api-key", "k"), ("x-api-key", "l")],
            [("x-api-key", "k"), ("authorization", "Bearer l")],
            [("authorization", "Bearer k"), ("authorization", "Bearer l")],
        ] {
            assert_eq!(presented(&two), Err(ErrorCode::InvalidApiKey), "{two:?}");
        }
    }
}
