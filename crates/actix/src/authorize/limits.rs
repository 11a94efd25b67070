use actix_web::HttpResponseBuilder;
use keymint_domain::usage::Standing;

/// The largest whole number that a structured field may hold (RFC 9651 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// Says how a key stands against its limits, in the fields of draft-ietf-httpapi-ratelimit-headers: `q` calls every `w`
/// seconds, of which `r` are left, and more in `t` seconds. Seconds are rounded up, so that nobody comes too early.
pub(crate) fn show_limits(response: &mut HttpResponseBuilder, standings: &[Standing]) {
    if standings.is_empty() {
        return;
    }
    let policies = standings.iter().map(|standing| {
        let Standing { limit, max, window_ms, .. } = *standing;
        format!("\"{limit}\";q={};w={}", max.min(MAX_INTEGER), window_ms.div_ceil(1000))
    });
    let left = standings.iter().map(|standing| {
        let t = standing.more_in_ms.map(|wait| format!(";t={}", wait.div_ceil(1000).min(MAX_INTEGER)));
        format!("\"{}\";r={}{}", standing.limit, standing.remaining.min(MAX_INTEGER), t.unwrap_or_default())
    });
    response.insert_header(("RateLimit-Policy", policies.collect::<Vec<_>>().join(", ")));
    response.insert_header(("RateLimit", left.collect::<Vec<_>>().join(", ")));
}
