use super::{Attempt, Owner, Refusal, Verdict};
use crate::policy::{Configuration, Policy, References};
use crate::usage::{Denied, Standing, Usage};
use crate::{ApiKey, ConfigId, ErrorCode, Permissions, Timestamp};

/// Decides whether `key` may be used now, and counts the call where it may.
///
/// The order is exists, configuration, address, enabled, not expired, owner, permissions, quota, rate limit. Whoever
/// shows a key from where it may not be used learns nothing else of it. Quota and rate limit are taken together or not
/// at all: the counters inside [`Verdict::Accepted`] are the only change there is, so that a refused call never costs
/// anything. A call that was paid before is judged by all but these two.
pub fn decide(key: Option<(&ApiKey, Owner)>, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Verdict {
    let Some((key, owner)) = key else {
        return Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey));
    };
    match admit(key, owner, attempt, policy, now) {
        Ok(_) if attempt.cost.0 == 0 => Verdict::Accepted(key.clone()),
        Ok(usage) => Verdict::Accepted(ApiKey { usage, ..key.clone() }),
        Err((code, retry_in_ms)) => Verdict::Refused(Refusal {
            code,
            retry_in_ms,
            key_id: Some(key.details.id.clone()),
            exhausted: code == ErrorCode::UsageExceeded && key.is_exhausted(),
            missing: if code == ErrorCode::KeyNotFound { missing(key, attempt) } else { None },
            standings: if matches!(code, ErrorCode::RateLimited | ErrorCode::UsageExceeded) {
                Standing::of(key, policy, now).collect()
            } else {
                Vec::new()
            },
            is_foreign: code == ErrorCode::InvalidApiKey && is_foreign(key, attempt, policy),
        }),
    }
}

/// The chain itself: the counters after the call, or the reason and the milliseconds to wait.
fn admit(
    key: &ApiKey,
    owner: Owner,
    attempt: &Attempt,
    policy: &Policy,
    now: Timestamp,
) -> Result<Usage, (ErrorCode, Option<u64>)> {
    let refuse = |code| Err((code, None));
    let details = &key.details;
    let configuration = policy.resolve(&details.config_id).map_err(|code| (code, None))?;
    if !attempt.may_be_found_as(&details.stored, configuration.disable_key_hashing)
        || !is_in_scope(&details.config_id, attempt.config_id.as_ref())
        || !may_come_by(configuration, attempt)
    {
        return refuse(ErrorCode::InvalidApiKey);
    }
    if !configuration.addresses.admit(attempt.client) || !details.addresses.admit(attempt.client) {
        return refuse(ErrorCode::IpNotAllowed);
    }
    if !details.enabled || details.revocation.is_some() {
        return refuse(ErrorCode::KeyDisabled);
    }
    if key.is_expired(now) {
        return refuse(ErrorCode::KeyExpired);
    }
    if owner.is_banned(now) {
        return refuse(ErrorCode::UserBanned);
    }
    let opens_session = attempt.opens_session_by.is_some();
    let needs_user = match configuration.references {
        References::User => policy.require_owner || opens_session,
        // Whose session would it be?
        References::Organization if opens_session => return refuse(ErrorCode::InvalidReferenceIdFromApiKey),
        References::Organization => false,
    };
    if needs_user && owner == Owner::Absent {
        return refuse(ErrorCode::InvalidReferenceIdFromApiKey);
    }
    if missing(key, attempt).is_some() {
        return refuse(ErrorCode::KeyNotFound);
    }
    if attempt.is_paid {
        return Ok(key.usage);
    }

    // A look (cost 0) is answered as a call of 1 would be.
    let cost = u64::from(attempt.cost.0.max(1));
    let usage = key
        .usage
        .charged(details.refill(), details.created_at, cost, now)
        .map_err(|Denied { retry_in_ms }| (ErrorCode::UsageExceeded, retry_in_ms))?;
    let limit = details.rate_limit().filter(|_| configuration.rate_limit.enabled);
    let usage = match limit {
        Some(limit) => limit
            .admit(configuration.rate_limit.algorithm, usage, cost, now)
            .map_err(|Denied { retry_in_ms }| (ErrorCode::RateLimited, retry_in_ms))?,
        None if usage.remaining.is_some() => Usage { last_request: Some(now), ..usage },
        None => return Ok(usage.stamped(now)),
    };
    Ok(Usage { updated_at: now.max(usage.updated_at), ..usage })
}

/// What the attempt asks for and the key does not grant; `None` = nothing.
fn missing(key: &ApiKey, attempt: &Attempt) -> Option<Permissions> {
    let asked = attempt.permissions.as_ref()?;
    match &key.details.permissions {
        Some(granted) => granted.missing(asked),
        None => Some(asked.clone()),
    }
}

/// Whether the key is whose it should be, and only its configuration is not the one that the attempt asks for.
fn is_foreign(key: &ApiKey, attempt: &Attempt, policy: &Policy) -> bool {
    let details = &key.details;
    let is_found_rightly = policy.resolve(&details.config_id).is_ok_and(|configuration| {
        attempt.may_be_found_as(&details.stored, configuration.disable_key_hashing)
            && may_come_by(configuration, attempt)
    });
    is_found_rightly && !is_in_scope(&details.config_id, attempt.config_id.as_ref())
}

/// Whether the attempt may show the key where it does.
fn may_come_by(configuration: &Configuration, attempt: &Attempt) -> bool {
    attempt.opens_session_by.as_ref().is_none_or(|header| configuration.opens_sessions_by(header))
}

/// Whether a key of `config_id` answers to a caller who expects `expected`; an id that nobody configured matches
/// only itself (wire document 8, step 2).
fn is_in_scope(config_id: &ConfigId, expected: Option<&ConfigId>) -> bool {
    expected.is_none_or(|expected| expected == config_id)
}
