use super::Denied;
use crate::policy::Policy;
use crate::{ApiKey, Timestamp};

/// The standing of a key against one of its limits, as computed by the rule that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The limit: `rate` or `quota`.
    pub limit: &'static str,
    /// The calls per window.
    pub max: u64,
    /// The window in milliseconds.
    pub window_ms: u64,
    /// The calls that would be admitted now.
    pub remaining: u64,
    /// Milliseconds until more calls would be admitted; `None` = waiting does not help.
    pub more_in_ms: Option<u64>,
}

impl Standing {
    /// The name of a key's rate limit.
    pub const RATE: &'static str = "rate";
    /// The name of a key's quota.
    pub const QUOTA: &'static str = "quota";

    /// Returns the standing of each limit of `key` that has a window: its rate limit, and its quota if that is
    /// refilled.
    pub fn of(key: &ApiKey, policy: &Policy, now: Timestamp) -> impl Iterator<Item = Self> + use<> {
        let rate = Self::of_rate(key, policy, now);
        rate.into_iter().chain(Self::of_quota(key, now))
    }

    pub(crate) fn of_rate(key: &ApiKey, policy: &Policy, now: Timestamp) -> Option<Self> {
        let settings = policy.resolve(&key.details.config_id).ok()?.rate_limit;
        let limit = key.details.rate_limit().filter(|_| settings.enabled)?;
        let admit = |cost| limit.admit(settings.algorithm, key.usage, cost, now);
        // The count that one more call would leave, without that call.
        let counted = admit(1).map_or(limit.max(), |after| after.request_count.saturating_sub(1));
        let remaining = limit.max().saturating_sub(counted);
        let more_in_ms = wait(admit(remaining.saturating_add(1)));
        Some(Self { limit: Self::RATE, max: limit.max(), window_ms: limit.window_ms(), remaining, more_in_ms })
    }

    fn of_quota(key: &ApiKey, now: Timestamp) -> Option<Self> {
        let refill = key.details.refill()?;
        let charged = |cost| key.usage.charged(Some(refill), key.details.created_at, cost, now);
        let remaining = charged(0).ok()?.remaining?;
        let more_in_ms = wait(charged(remaining.saturating_add(1)));
        let (max, window_ms) = (refill.amount.get(), refill.window_ms(now));
        Some(Self { limit: Self::QUOTA, max, window_ms, remaining, more_in_ms })
    }
}

fn wait<T>(answer: Result<T, Denied>) -> Option<u64> {
    answer.err().and_then(|denied| denied.retry_in_ms)
}
