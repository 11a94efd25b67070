use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use keymint_domain::ErrorCode;
use keymint_domain::key::PlainKey;

/// Where requests show their keys.
#[derive(Debug, Clone)]
pub(super) struct Headers {
    /// Headers that hold nothing but a key.
    pub(super) names: Vec<HeaderName>,
    /// Whether `Authorization: Bearer` may hold one.
    pub(super) bearer: bool,
}

impl Headers {
    /// The key that a request shows. One that shows two is refused, so that nobody smuggles a second one past whoever
    /// looked at the first.
    pub(super) fn key(&self, headers: &HeaderMap) -> Result<PlainKey, ErrorCode> {
        let named = self.names.iter().flat_map(|name| headers.get_all(name)).map(HeaderValue::as_bytes);
        let bearer = headers.get_all(header::AUTHORIZATION).filter(|_| self.bearer);
        let bearer = bearer.filter_map(|value| bearer_token(value.as_bytes()));
        let mut shown = named.chain(bearer).filter(|key| !key.is_empty());
        let key = shown.next().ok_or(ErrorCode::Unauthorized)?;
        if shown.any(|other| other != key) {
            return Err(ErrorCode::InvalidApiKey);
        }
        // A text that is not ASCII is nobody's key.
        Ok(PlainKey::new(String::from_utf8_lossy(key).into_owned()))
    }
}

/// The token of `Bearer <token>`, the scheme in any case.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(lines: &[(&str, &str)]) -> Result<String, ErrorCode> {
        let headers = Headers { names: vec![HeaderName::from_static("x-api-key")], bearer: true };
        let request = lines.iter().fold(TestRequest::default(), |request, line| request.append_header(*line));
        headers.key(request.to_http_request().headers()).map(|key| key.expose().to_owned())
    }

    #[test]
    fn a_key_is_shown_in_its_header_or_as_a_bearer_token() {
        assert_eq!(shown(&[("X-Api-Key", "k")]), Ok("k".to_owned()));
        assert_eq!(shown(&[("authorization", "bEaReR  k ")]), Ok("k".to_owned()));
        assert_eq!(shown(&[("authorization", "Basic azo="), ("x-api-key", "k")]), Ok("k".to_owned()));
        for nothing in [&[][..], &[("x-api-key", "")], &[("authorization", "Bearer")], &[("x-key", "k")]] {
            assert_eq!(shown(nothing), Err(ErrorCode::Unauthorized), "{nothing:?}");
        }
    }

    #[test]
    fn two_different_keys_are_none() {
        assert_eq!(shown(&[("x-api-key", "k"), ("x-api-key", "k"), ("authorization", "Bearer k")]), Ok("k".to_owned()));
        for two in [
            [("x-api-key", "k"), ("x-api-key", "l")],
            [("x-api-key", "k"), ("authorization", "Bearer l")],
            [("authorization", "Bearer k"), ("authorization", "Bearer l")],
        ] {
            assert_eq!(shown(&two), Err(ErrorCode::InvalidApiKey), "{two:?}");
        }
    }
}
