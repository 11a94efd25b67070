//! Headers with the state of a key's limits, in the dialect of the server.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use keymint_domain::usage::Standing;
use keymint_domain::verify::Verdict;
use keymint_guard::LimitFields;
use keymint_service::Keys;

/// Adds how a key stands against its limits.
pub(crate) fn show_limits(headers: &mut HeaderMap, fields: LimitFields, standings: impl IntoIterator<Item = Standing>) {
    fields.write(standings, |name, value| put(headers, name, value));
}

/// Adds a header whose value is ASCII.
pub(crate) fn put(headers: &mut HeaderMap, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Adds the same for a verdict, and to a refusal the time after which a retry is worth it.
pub(crate) fn show_verdict(headers: &mut HeaderMap, fields: LimitFields, verdict: &Verdict, keys: &Keys) {
    let refusal = match verdict {
        Verdict::Accepted(key) => return show_limits(headers, fields, keys.standings(key)),
        Verdict::Refused(refusal) => refusal,
    };
    show_limits(headers, fields, refusal.standings.iter().copied());
    if let Some(wait_ms) = refusal.retry_in_ms {
        headers.insert(header::RETRY_AFTER, retry_after(Duration::from_millis(wait_ms)));
    }
}

/// Returns whole seconds, as [`keymint_guard::retry_after`] rounds them.
pub(crate) fn retry_after(wait: Duration) -> HeaderValue {
    HeaderValue::from(keymint_guard::retry_after(wait))
}
