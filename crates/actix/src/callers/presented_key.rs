use actix_web::http::header::{self, HeaderMap, HeaderValue};
use keymint_domain::Policy;
use keymint_domain::key::PlainKey;

use crate::error::ApiError;

/// The reason why a request shows no usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// It shows none.
    Missing,
    /// It shows two that are not the same.
    Different,
}

/// Returns the one key that a request shows: in any of the headers `names`, or, with `bearer`, as `Authorization: Bearer`.
///
/// The same key may be there more than once. Two different ones are refused: another reader of the request might take
/// the other one. A text that is not ASCII is nobody's key.
pub(crate) fn one_key<'a>(
    names: impl IntoIterator<Item = &'a str>,
    bearer: bool,
    headers: &HeaderMap,
) -> Result<PlainKey, NoKey> {
    let mut shown: Option<&[u8]> = None;
    let plain = names.into_iter().flat_map(|name| plain_keys(name, headers));
    for key in plain.chain(bearer_keys(bearer, headers)) {
        if shown.is_some_and(|earlier| earlier != key) {
            return Err(NoKey::Different);
        }
        shown = Some(key);
    }
    shown.map(|key| PlainKey::new(String::from_utf8_lossy(key))).ok_or(NoKey::Missing)
}

/// Returns the headers in which [`one_key`] finds a key, in lower case, each once.
fn headers_of_key<'a>(names: impl IntoIterator<Item = &'a str>, bearer: bool, headers: &HeaderMap) -> Vec<String> {
    let plain = names.into_iter().filter(|name| plain_keys(name, headers).next().is_some());
    let token = bearer_keys(bearer, headers).next().map(|_| header::AUTHORIZATION.as_str());
    let mut found: Vec<_> = plain.chain(token).map(str::to_ascii_lowercase).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the keys in a header that holds nothing but a key. A bearer token in `Authorization` is none.
fn plain_keys<'h>(name: &str, headers: &'h HeaderMap) -> impl Iterator<Item = &'h [u8]> + use<'h> {
    let may_be_token = header::AUTHORIZATION == *name;
    let lines = headers.get_all(name).map(HeaderValue::as_bytes);
    let lines = lines.filter(move |line| !may_be_token || bearer_token(line).is_none());
    lines.map(<[u8]>::trim_ascii).filter(|key| !key.is_empty())
}

/// Returns the bearer tokens of `Authorization`, if they may be keys.
fn bearer_keys(bearer: bool, headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(header::AUTHORIZATION).filter(move |_| bearer);
    lines.filter_map(|line| bearer_token(line.as_bytes())).filter(|token| !token.is_empty())
}

/// Returns the token of `Bearer <token>`, the scheme in any case.
fn bearer_token(line: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = line.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Returns the one key that a client's request shows: in any header of any configuration's `api_key_headers`, or, with
/// `bearer`, as `Authorization: Bearer`.
pub(crate) fn presented_key(policy: &Policy, bearer: bool, headers: &HeaderMap) -> Result<PlainKey, ApiError> {
    one_key(names(policy), bearer, headers).map_err(|none| match none {
        NoKey::Missing => ApiError::MissingKey,
        NoKey::Different => ApiError::DifferentKeys,
    })
}

/// Returns the headers that show the key, between commas.
pub(crate) fn presenting_headers(policy: &Policy, bearer: bool, headers: &HeaderMap) -> String {
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
        match presented_key(&policy, bearer, &headers) {
            Ok(key) => (key.expose().to_owned(), presenting_headers(&policy, bearer, &headers)),
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
