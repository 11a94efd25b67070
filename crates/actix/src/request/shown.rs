use actix_web::http::header::{self, HeaderMap};
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
    let bearers = headers.get_all(header::AUTHORIZATION).filter(|_| bearer);
    let plain = names.into_iter().flat_map(|name| headers.get_all(name));
    let plain = plain
        .filter(|line| !bearer || bearer_token(line.as_bytes()).is_none())
        .map(|line| line.as_bytes().trim_ascii());
    let tokens = bearers.filter_map(|line| bearer_token(line.as_bytes()));
    let mut shown: Option<&[u8]> = None;
    for key in plain.chain(tokens).filter(|key| !key.is_empty()) {
        if shown.is_some_and(|earlier| earlier != key) {
            return Err(NoKey::Different);
        }
        shown = Some(key);
    }
    shown.map(|key| PlainKey::new(String::from_utf8_lossy(key))).ok_or(NoKey::Missing)
}

/// The token of `Bearer <token>`, the scheme in any case.
fn bearer_token(line: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = line.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}
