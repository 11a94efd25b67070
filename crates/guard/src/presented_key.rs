use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_domain::key::PlainKey;

use crate::{Headers, NotAdmitted};

const AUTHORIZATION: &str = "authorization";

/// The schemes by which `Authorization` may show a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schemes {
    /// True if `Bearer <key>` is read.
    pub bearer: bool,
    /// True if the user name of `Basic` is read. The password is not looked at.
    pub basic: bool,
}

impl Schemes {
    /// `Bearer` alone.
    pub const BEARER: Self = Self { bearer: true, basic: false };

    /// Returns the challenges of `WWW-Authenticate` to a request that does not authenticate: one for each scheme, and always one
    /// (RFC 9110 15.5.2). To a request without a key they say nothing about keys (RFC 6750 3.1).
    pub fn challenges(self, shows_key: bool) -> impl Iterator<Item = &'static str> {
        let bearer =
            if shows_key { "Bearer realm=\"keymint\", error=\"invalid_token\"" } else { "Bearer realm=\"keymint\"" };
        let of_none = "ApiKey realm=\"keymint\"";
        let basic = "Basic realm=\"keymint\", charset=\"UTF-8\"";
        let is_none = !self.bearer && !self.basic;
        [(self.bearer, bearer), (self.basic, basic), (is_none, of_none)]
            .into_iter()
            .filter_map(|(is_read, challenge)| is_read.then_some(challenge))
    }
}

/// Returns the one key that a request shows: in any of the headers `names`, or in `Authorization` by one of `schemes`. The query
/// is never read: URLs are logged.
///
/// The same key may be there more than once. A text that is not ASCII is nobody's key.
///
/// # Errors
///
/// Returns [`NotAdmitted::MissingKey`] without a key, and [`NotAdmitted::DifferentKeys`] for two different ones: another reader of
/// the request might take the other one.
pub fn one_key<'a, H: Headers>(
    names: impl IntoIterator<Item = &'a str>,
    schemes: Schemes,
    headers: &H,
) -> Result<PlainKey, NotAdmitted> {
    let mut shown: Option<Cow<'_, [u8]>> = None;
    let plain = names.into_iter().flat_map(|name| plain_keys(name, schemes, headers)).map(Cow::Borrowed);
    for key in plain.chain(credentials(schemes, headers)) {
        if shown.as_ref().is_some_and(|earlier| *earlier != key) {
            return Err(NotAdmitted::DifferentKeys);
        }
        shown = Some(key);
    }
    shown.map(|key| PlainKey::new(String::from_utf8_lossy(&key))).ok_or(NotAdmitted::MissingKey)
}

/// Returns the headers in which [`one_key`] finds a key, in lower case, each once.
pub fn headers_of_key<'a, H: Headers>(
    names: impl IntoIterator<Item = &'a str>,
    schemes: Schemes,
    headers: &H,
) -> Vec<String> {
    let plain = names.into_iter().filter(|name| plain_keys(name, schemes, headers).next().is_some());
    let credential = credentials(schemes, headers).next().map(|_| AUTHORIZATION);
    let mut found: Vec<_> = plain.chain(credential).map(str::to_ascii_lowercase).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the keys in a header that holds nothing but a key. A bearer token in `Authorization` is none, nor is a user that is
/// read as one.
fn plain_keys<'h, H: Headers>(
    name: &str,
    schemes: Schemes,
    headers: &'h H,
) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
    let may_be_credential = name.eq_ignore_ascii_case(AUTHORIZATION);
    let is_credential =
        move |line: &[u8]| after("Bearer ", line).or(after("Basic ", line).filter(|_| schemes.basic)).is_some();
    let lines = headers.lines(name).filter(move |line| !may_be_credential || !is_credential(line));
    lines.map(<[u8]>::trim_ascii).filter(|key| !key.is_empty())
}

/// Returns the keys in `Authorization` by one of `schemes`.
fn credentials<H: Headers>(schemes: Schemes, headers: &H) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let lines = headers.lines(AUTHORIZATION);
    lines.filter_map(move |line| credential(schemes, line)).filter(|key| !key.is_empty())
}

fn credential(schemes: Schemes, line: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Some(token) = after("Bearer ", line) {
        return schemes.bearer.then_some(Cow::Borrowed(token));
    }
    let user = after("Basic ", line).filter(|_| schemes.basic)?;
    let mut user = STANDARD.decode(user).ok()?;
    // A user name has no colon (RFC 7617 2).
    user.truncate(user.iter().position(|byte| *byte == b':')?);
    Some(Cow::Owned(user))
}

/// Returns the credentials behind a scheme, which is in any case.
fn after<'l>(scheme: &str, line: &'l [u8]) -> Option<&'l [u8]> {
    let (start, rest) = line.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme.as_bytes()).then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    const BASIC: Schemes = Schemes { bearer: true, basic: true };
    const NONE: Schemes = Schemes { bearer: false, basic: false };

    /// Finds in these lines the key and its place, or returns the code.
    fn found_with(schemes: Schemes, lines: &[(&str, &[u8])]) -> (String, String) {
        let names = ["x-api-key", "x-other", "Authorization", "X-Api-Key"];
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        match one_key(names, schemes, &headers) {
            Ok(key) => (key.expose().to_owned(), headers_of_key(names, schemes, &headers).join(",")),
            Err(error) => (error.code().to_owned(), String::new()),
        }
    }

    fn found(lines: &[(&str, &[u8])]) -> String {
        found_with(Schemes::BEARER, lines).0
    }

    #[test]
    fn the_headers_that_show_the_key_are_told_and_no_others() {
        let is = |schemes, lines: &[(&str, &[u8])], key: &str, headers: &str| {
            assert_eq!(found_with(schemes, lines), (key.to_owned(), headers.to_owned()), "{schemes:?} {lines:?}");
        };
        let bearer = Schemes::BEARER;
        is(bearer, &[("x-api-key", b"k"), ("x-other", b""), ("authorization", b"Bearer ")], "k", "x-api-key");
        is(bearer, &[("x-api-key", b" k"), ("x-other", b"k")], "k", "x-api-key,x-other");
        is(bearer, &[("x-api-key", b"k"), ("authorization", b"Bearer k")], "k", "authorization,x-api-key");
        is(bearer, &[("authorization", b"Bearer k")], "k", "authorization");
        is(NONE, &[("x-api-key", b"k"), ("authorization", b"Bearer jwt")], "k", "x-api-key");
        is(NONE, &[("x-api-key", b"k"), ("authorization", b"Bearer k")], "k", "x-api-key");
        is(NONE, &[("authorization", b"k")], "k", "authorization");
        is(NONE, &[("authorization", b"Bearer k")], "MISSING_API_KEY", "");
        is(NONE, &[("x-api-key", b"k"), ("authorization", b"l")], "DIFFERENT_API_KEYS", "");
        is(bearer, &[("x-api-key", b"Bearer l"), ("authorization", b"Bearer k")], "DIFFERENT_API_KEYS", "");
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
    fn a_user_name_is_a_key_where_it_is_asked_for() {
        let line: &[(&str, &[u8])] = &[("authorization", b"bASIC  azo=")];
        assert_eq!(found_with(BASIC, line), ("k".to_owned(), "authorization".to_owned()));
        assert_eq!(found(line), "bASIC  azo=", "it is a text of a header that holds keys alone");
        for (line, key) in [
            (&b"Basic azpzZWNyZXQ="[..], "k"),
            (b"Basic aw==", "MISSING_API_KEY"),
            (b"Basic OnNlY3JldA==", "MISSING_API_KEY"),
            (b"Basic !", "MISSING_API_KEY"),
            (b"Basic", "Basic"),
            (b"Bearer k", "k"),
        ] {
            assert_eq!(found_with(BASIC, &[("authorization", line)]).0, key, "{}", String::from_utf8_lossy(line));
        }
        let two: &[(&str, &[u8])] = &[("authorization", b"Basic azo="), ("x-api-key", b"l")];
        assert_eq!(found_with(BASIC, two).0, "DIFFERENT_API_KEYS");
    }

    #[test]
    fn two_different_keys_are_none() {
        assert_eq!(found(&[("x-api-key", b"k"), ("x-api-key", b"l")]), "DIFFERENT_API_KEYS");
        assert_eq!(found(&[("x-api-key", b"k"), ("x-other", b"K")]), "DIFFERENT_API_KEYS");
        assert_eq!(found(&[("authorization", b"Bearer k"), ("authorization", b"Bearer l")]), "DIFFERENT_API_KEYS");
        assert_eq!(found(&[("x-api-key", b"\xff"), ("x-api-key", b"\xfe")]), "DIFFERENT_API_KEYS");
    }

    #[test]
    fn every_scheme_that_is_read_is_offered_and_one_always() {
        let offered = |schemes: Schemes, shows_key| schemes.challenges(shows_key).collect::<Vec<_>>();
        assert_eq!(offered(Schemes::BEARER, false), [r#"Bearer realm="keymint""#]);
        assert_eq!(offered(Schemes::BEARER, true), [r#"Bearer realm="keymint", error="invalid_token""#]);
        assert_eq!(offered(BASIC, false), [r#"Bearer realm="keymint""#, r#"Basic realm="keymint", charset="UTF-8""#]);
        assert_eq!(offered(NONE, true), [r#"ApiKey realm="keymint""#]);
    }
}
