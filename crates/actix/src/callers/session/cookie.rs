use std::borrow::Cow;

use actix_web::http::header::HeaderMap;
use keymint_domain::identity::{SessionLifetime, SessionToken};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::CookieSecret;
use crate::callers::cookie;

/// Reads and writes Better Auth's cookies (docs/better-auth-wire.md 4).
pub(crate) struct Cookies {
    secret: CookieSecret,
    prefix: &'static str,
    /// The attributes after `Max-Age`.
    attributes: &'static str,
    lifetime: SessionLifetime,
}

const SESSION: &str = "session_token";
/// Written by Better Auth alone, where it caches sessions in cookies; cleared with the others.
const SESSION_DATA: &str = "session_data";
const DO_NOT_REMEMBER: &str = "dont_remember";

/// The characters that JavaScript's `encodeURIComponent` encodes.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

impl Cookies {
    pub(super) fn new(secret: CookieSecret, is_secure: bool, lifetime: SessionLifetime) -> Self {
        let (prefix, attributes) = if is_secure {
            ("__Secure-better-auth.", "; Path=/; HttpOnly; Secure; SameSite=Lax")
        } else {
            ("better-auth.", "; Path=/; HttpOnly; SameSite=Lax")
        };
        Self { secret, prefix, attributes, lifetime }
    }

    /// Returns the token of the session cookie, if its signature is right.
    pub(super) fn session_token(&self, headers: &HeaderMap) -> Option<SessionToken> {
        self.read_signed(headers, SESSION).map(SessionToken::new)
    }

    /// Returns true if the browser was told to forget the session at its own end.
    pub(super) fn is_to_be_forgotten(&self, headers: &HeaderMap) -> bool {
        self.read_signed(headers, DO_NOT_REMEMBER).is_some()
    }

    /// Returns the cookies that a new or refreshed session sets.
    pub(crate) fn set(&self, token: &SessionToken, remember: bool) -> Vec<String> {
        let value = self.signed(token);
        if remember {
            let seconds = self.lifetime.expires_in_ms / 1000;
            return vec![self.cookie(SESSION, &value, Some(seconds))];
        }
        let forget = encoded(&self.secret.sign("true"));
        vec![self.cookie(SESSION, &value, None), self.cookie(DO_NOT_REMEMBER, &forget, None)]
    }

    /// Returns the cookies that end a session.
    pub(crate) fn clear(&self) -> Vec<String> {
        [SESSION, SESSION_DATA, DO_NOT_REMEMBER].map(|name| self.cookie(name, "", Some(0))).into()
    }

    /// Returns the token with its signature, as the session cookie's value has it.
    pub(crate) fn signed(&self, token: &SessionToken) -> String {
        encoded(&self.secret.sign(token.expose()))
    }

    /// Returns the token of a bearer token: with its signature, which must be right, or alone.
    pub(super) fn bearer_token(&self, shown: &str) -> Option<SessionToken> {
        if shown.is_empty() {
            return None;
        }
        if !shown.contains('.') {
            return Some(SessionToken::new(shown));
        }
        self.secret.verify(&decoded(shown)).map(SessionToken::new)
    }

    fn cookie(&self, name: &str, value: &str, max_age: Option<u64>) -> String {
        let Self { prefix, attributes, .. } = self;
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        format!("{prefix}{name}={value}{max_age}{attributes}")
    }

    fn read_signed(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let value = cookie(headers, &format!("{}{name}", self.prefix))?;
        self.secret.verify(&decoded(unquoted(&value))).map(str::to_owned)
    }
}

/// Returns a value without its quotes. One that begins with a quote loses its last character too, whatever it is, as with
/// Better Auth.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').map_or(value, |quoted| quoted.get(..quoted.len().saturating_sub(1)).unwrap_or(""))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Decodes a text. One that cannot be decoded stays as it is.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{self, HeaderValue};

    use super::*;

    fn cookies(is_secure: bool) -> Cookies {
        let secret = CookieSecret::parse(&"x".repeat(40)).unwrap();
        Cookies::new(secret, is_secure, SessionLifetime::default())
    }

    fn token() -> SessionToken {
        SessionToken::new("EpXykRx7MeOJZWh0v5EorW30aFzNYZdC")
    }

    const SIGNED: &str = "EpXykRx7MeOJZWh0v5EorW30aFzNYZdC.RVsavAc4ebgyLWJ%2FHN4ysDGvoKn19H1gJLsPPi43YJY%3D";

    #[test]
    fn cookies_are_better_auths_to_the_letter() {
        let week = format!("better-auth.session_token={SIGNED}; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(cookies(false).set(&token(), true), [week]);
        let [session, forget] = <[String; 2]>::try_from(cookies(true).set(&token(), false)).unwrap();
        let secure = "Path=/; HttpOnly; Secure; SameSite=Lax";
        assert_eq!(session, format!("__Secure-better-auth.session_token={SIGNED}; {secure}"));
        assert!(forget.starts_with("__Secure-better-auth.dont_remember=true."));
        assert_eq!(cookies(false).clear()[1], "better-auth.session_data=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn the_first_cookie_of_the_name_counts() {
        let found = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            cookies(false).session_token(&headers)
        };
        let ours = format!("better-auth.session_token={SIGNED}");
        for line in [
            ours.clone(),
            format!("theme=dark;{ours} ; x=y"),
            format!("name=Jörg; {ours}"),
            format!("broken; {ours}; better-auth.session_token=other"),
            format!("better-auth.session_token=\"{SIGNED}\""),
        ] {
            assert_eq!(found(&line), Some(token()), "{line}");
        }
        for line in [
            format!("better-auth.session_token=other; {ours}"),
            format!("__Secure-{ours}"),
            format!("better-auth.session_token={}", &SIGNED[1..]),
            format!("better-auth.session_token=\"{SIGNED}"),
            "better-auth.session_token=\"".to_owned(),
            "better-auth.session_token=%ff%fe.x".to_owned(),
        ] {
            assert_eq!(found(&line), None, "{line}");
        }
    }

    #[test]
    fn a_bearer_token_may_come_with_its_signature() {
        for shown in [SIGNED, &decoded(SIGNED), token().expose()] {
            assert_eq!(cookies(false).bearer_token(shown), Some(token()));
        }
        assert_eq!(cookies(false).bearer_token("EpXykRx7MeOJZWh0v5EorW30aFzNYZdC.wrong"), None);
        assert_eq!(cookies(false).bearer_token(""), None);
    }
}
