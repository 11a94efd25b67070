use actix_web::http::header::{self, HeaderMap, HeaderValue};
use keymint_domain::key::PlainKey;

/// Why a request shows no key that could be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// It shows none.
    Missing,
    /// It shows two that are not the same.
    Different,
}

/// The one key that a request shows: in any of the headers `names`, or, with `bearer`, as `Authorization: Bearer`. The
/// same key may be there more than once; two different ones are refused, since another reader of the request might take
/// the other. A text that is not ASCII is nobody's key.
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

/// The headers in which [`one_key`] finds a key, in lower case, each once.
pub(crate) fn headers_of_key<'a>(
    names: impl IntoIterator<Item = &'a str>,
    bearer: bool,
    headers: &HeaderMap,
) -> Vec<String> {
    let plain = names.into_iter().filter(|name| plain_keys(name, headers).next().is_some());
    let token = bearer_keys(bearer, headers).next().map(|_| header::AUTHORIZATION.as_str());
    let mut found: Vec<_> = plain.chain(token).map(str::to_ascii_lowercase).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What is in a header that holds nothing but a key. A token in `Authorization` is none.
fn plain_keys<'h>(name: &str, headers: &'h HeaderMap) -> impl Iterator<Item = &'h [u8]> + use<'h> {
    let may_be_token = header::AUTHORIZATION == *name;
    let lines = headers.get_all(name).map(HeaderValue::as_bytes);
    let lines = lines.filter(move |line| !may_be_token || bearer_token(line).is_none());
    lines.map(<[u8]>::trim_ascii).filter(|key| !key.is_empty())
}

/// The tokens of `Authorization`, where they may be keys.
fn bearer_keys(bearer: bool, headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(header::AUTHORIZATION).filter(move |_| bearer);
    lines.filter_map(|line| bearer_token(line.as_bytes())).filter(|token| !token.is_empty())
}

/// The token of `Bearer <token>`, the scheme in any case.
fn bearer_token(line: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = line.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}
