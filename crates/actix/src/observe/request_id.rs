use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use keymint_domain::Policy;
use memchr::memmem;

/// Names requests: a client's `X-Request-Id` where it may stand in a log, else this process's own.
#[derive(Debug)]
pub(crate) struct RequestIds {
    instance: String,
    next: AtomicU64,
}

/// The name of a request, in its extensions.
struct Kept(HeaderValue);

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a client's request id at most.
const MAX_LENGTH: usize = 128;

impl RequestIds {
    pub(crate) fn new(instance: [u8; 8]) -> Self {
        let instance = instance.iter().fold(String::with_capacity(16), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { instance, next: AtomicU64::new(1) }
    }

    /// Returns the name of the request with these headers.
    pub(crate) fn of(&self, headers: &HeaderMap, policy: &Policy) -> HeaderValue {
        let given = headers.get(X_REQUEST_ID).filter(|id| is_fit(id) && !is_secret(id, headers, policy));
        given.cloned().unwrap_or_else(|| self.make())
    }

    /// Returns the name of a request, and keeps it for whoever asks later.
    pub(crate) fn keep(&self, request: &HttpRequest, policy: &Policy) -> HeaderValue {
        let id = self.kept_or_new(request, policy);
        request.extensions_mut().insert(Kept(id.clone()));
        id
    }

    /// Returns the name that was kept, or makes one. Most requests are named only at their end, and keep nothing.
    pub(super) fn kept_or_new(&self, request: &HttpRequest, policy: &Policy) -> HeaderValue {
        let kept = request.extensions().get::<Kept>().map(|Kept(id)| id.clone());
        kept.unwrap_or_else(|| self.of(request.headers(), policy))
    }

    fn make(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_maybe_shared(format!("{}-{number:x}", self.instance))
            .unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

/// Returns the one id that a request came with; of two nobody knows which is whose.
pub(crate) fn own_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut ids = headers.get_all(X_REQUEST_ID);
    let id = ids.next().filter(|id| is_fit(id))?;
    ids.next().is_none().then_some(id)
}

/// Returns true if an id may be logged: 1 to 128 letters, digits, `.`, `_` and `-`.
fn is_fit(id: &HeaderValue) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.as_bytes().iter().all(fits)
}

/// Returns true if an id and a key, a token or a cookie of the same request share a part that is long enough for a secret.
fn is_secret(id: &HeaderValue, headers: &HeaderMap, policy: &Policy) -> bool {
    /// Characters of the shortest secret. A shorter part stands somewhere by chance.
    const SECRET: usize = 16;
    if id.len() < SECRET {
        return false;
    }
    let of_keys = policy.configurations().iter().flat_map(|configuration| &configuration.api_key_headers);
    let names = of_keys.map(String::as_str).chain(["authorization", "cookie", "x-authz-server-key"]);
    let shown = names.flat_map(|name| headers.get_all(name));
    let is_in = |part: &[u8], whole: &[u8]| memmem::find(whole, part).is_some();
    // An id that shares 31 characters with a value has one of its parts of 16 as a whole.
    shown
        .map(HeaderValue::as_bytes)
        .any(|value| is_in(id.as_bytes(), value) || value.chunks_exact(SECRET).any(|part| is_in(part, id.as_bytes())))
}

#[cfg(test)]
mod tests {
    use keymint_domain::{ConfigId, Configuration};

    use super::*;

    #[test]
    fn an_id_that_a_log_cannot_be_deceived_by_is_taken() {
        for id in ["1", "trace-7", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "a.b_C", &"x".repeat(128)] {
            assert!(is_fit(&HeaderValue::from_str(id).unwrap()), "{id}");
        }
        for id in ["", "a b", "a\tb", "https://h/?key=x", "a=b", "a;b", "{\"a\":1}", "%0a", "\u{e9}", &"x".repeat(129)]
        {
            assert!(!is_fit(&HeaderValue::from_bytes(id.as_bytes()).unwrap()), "{id}");
        }
    }

    #[test]
    fn an_id_that_is_shown_as_a_secret_is_replaced() {
        const SECRET: &str = "sk_live-0123456789";
        const LONG: &str = "sk_live-QhWxRtZpLmNbVcXyAsDfGhJkPoIuYtReWqMnBvCxZlKj";
        let other = Configuration {
            api_key_headers: vec!["X-Other".to_owned()],
            ..Configuration::new(ConfigId::parse("other").unwrap())
        };
        let policy = Policy::new(vec![Configuration::default(), other]).unwrap();
        let ids = RequestIds::new([0xab; 8]);
        let named = |id: &'static str, name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_static(id));
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            ids.of(&headers, &policy).to_str().unwrap() == id
        };
        for (name, value) in [
            ("x-api-key", SECRET.to_owned()),
            ("x-other", SECRET.to_owned()),
            ("authorization", format!("Bearer {SECRET}")),
            ("cookie", format!("a=b; better-auth.session_token={SECRET}.signature%3D")),
            ("x-authz-server-key", SECRET.to_owned()),
        ] {
            assert!(!named(SECRET, name, &value), "{name}");
        }
        for id in
            [LONG, "x-sk_live-QhWxRtZpLmNbVcXyAsDfGhJkPoIuYtReWqMnBvCxZlKj.z", "A-xRtZpLmNbVcXyAsDfGhJkPoIuYtReWqM.b"]
        {
            assert!(!named(id, "x-api-key", LONG), "{id}");
            assert!(!named(id, "authorization", &format!("Bearer {LONG}")), "{id}");
        }
        assert!(named(SECRET, "traceparent", SECRET), "it is no secret there");
        assert!(named("sk_live", "x-api-key", SECRET), "it is too short");
    }
}
