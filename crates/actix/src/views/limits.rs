//! Headers with the state of a key's limits: the one place that writes them.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use keymint_domain::usage::Standing;
use keymint_domain::verify::Verdict;
use keymint_service::Keys;
use sfv::{Integer, ListSerializer, StringRef, key_ref};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The usual size of two limits, in bytes.
const USUAL: usize = 64;

/// Adds how a key stands against its limits, in the fields of draft-ietf-httpapi-ratelimit-headers: `q` calls every `w`
/// seconds, of which `r` are left, and more in `t` seconds. Seconds are rounded up, so that no client retries too early.
pub(crate) fn show_limits(headers: &mut HeaderMap, standings: impl IntoIterator<Item = Standing>) {
    let (mut policies, mut left) = (String::with_capacity(USUAL), String::with_capacity(USUAL));
    let mut policy = ListSerializer::with_buffer(&mut policies);
    let mut rest = ListSerializer::with_buffer(&mut left);
    for Standing { limit, max, window_ms, remaining, more_in_ms } in standings {
        let Ok(limit) = StringRef::from_str(limit) else { continue };
        let _ = policy
            .bare_item(limit)
            .parameter(key_ref("q"), integer(max))
            .parameter(key_ref("w"), integer(window_ms.div_ceil(1000)));
        let item = rest.bare_item(limit).parameter(key_ref("r"), integer(remaining));
        if let Some(wait) = more_in_ms {
            let _ = item.parameter(key_ref("t"), integer(wait.div_ceil(1000)));
        }
    }
    for (name, list) in [(RATE_LIMIT_POLICY, policy.finish()), (RATE_LIMIT, rest.finish())] {
        if let Some(value) = list.and_then(|list| HeaderValue::try_from(std::mem::take(list)).ok()) {
            headers.insert(name, value);
        }
    }
}

/// Returns a count as a structured field holds it (RFC 9651 3.3.1).
fn integer(count: u64) -> Integer {
    Integer::try_from(count).unwrap_or(Integer::MAX)
}

/// Adds the same for a verdict, and to a refusal the time after which a retry is worth it.
pub(crate) fn show_verdict(headers: &mut HeaderMap, verdict: &Verdict, keys: &Keys) {
    let refusal = match verdict {
        Verdict::Accepted(key) => return show_limits(headers, keys.standings(key)),
        Verdict::Refused(refusal) => refusal,
    };
    show_limits(headers, refusal.standings.iter().copied());
    if let Some(wait_ms) = refusal.retry_in_ms {
        headers.insert(header::RETRY_AFTER, retry_after(Duration::from_millis(wait_ms)));
    }
}

/// Returns whole seconds, rounded up and 1 at least: a client that waits so long is let in.
pub(crate) fn retry_after(wait: Duration) -> HeaderValue {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(standings: &[Standing]) -> [Option<String>; 2] {
        let mut headers = HeaderMap::new();
        show_limits(&mut headers, standings.iter().copied());
        ["ratelimit-policy", "ratelimit"].map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn limits_are_lists_of_whole_numbers_that_a_structured_field_holds() {
        let rate = Standing { limit: Standing::RATE, max: 100, window_ms: 60_000, remaining: 99, more_in_ms: Some(1) };
        let quota =
            Standing { limit: Standing::QUOTA, max: u64::MAX, window_ms: 1, remaining: u64::MAX, more_in_ms: None };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(shown(&[rate]), [text(r#""rate";q=100;w=60"#), text(r#""rate";r=99;t=1"#)]);
        let both = [
            text(r#""rate";q=100;w=60, "quota";q=999999999999999;w=1"#),
            text(r#""rate";r=99;t=1, "quota";r=999999999999999"#),
        ];
        assert_eq!(shown(&[rate, quota]), both);
        assert_eq!(shown(&[]), [None, None]);
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_that_suffice() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (u64::MAX, "18446744073709552")] {
            assert_eq!(retry_after(Duration::from_millis(millis)), seconds, "{millis}");
        }
    }
}
