use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// Names requests: a client's `X-Request-Id` where it is fit for a log, else this process's own.
#[derive(Debug)]
pub(crate) struct RequestIds {
    instance: String,
    next: AtomicU64,
}

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
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        headers.get(X_REQUEST_ID).filter(|id| is_fit(id)).cloned().unwrap_or_else(|| self.make())
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

/// Returns true if an id may be logged.
fn is_fit(id: &HeaderValue) -> bool {
    (1..=MAX_LENGTH).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}
