use std::cmp::Ordering;

use keymint_domain::listing::{Direction, SortField};
use keymint_domain::{ApiKey, Timestamp};

/// A member of a key as lists compare it. `None` comes before every value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Member<'a> {
    Text(&'a str),
    Number(u64),
    Flag(bool),
    Instant(Timestamp),
}

/// Compares in the order of a list: the field, then creation, then id.
pub(crate) fn compare(a: &ApiKey, b: &ApiKey, field: SortField, direction: Direction) -> Ordering {
    let order = member(a, field).cmp(&member(b, field));
    let order = match (direction, field) {
        // A key that never expires is last.
        (Direction::Ascending, SortField::ExpiresAt) => {
            a.details.expires_at.is_none().cmp(&b.details.expires_at.is_none()).then(order)
        }
        (Direction::Ascending, _) => order,
        (Direction::Descending, _) => order.reverse(),
    };
    let tie = |key: &ApiKey| (key.details.created_at, key.details.id.clone());
    order.then_with(|| tie(a).cmp(&tie(b)))
}

fn member(key: &ApiKey, field: SortField) -> Option<Member<'_>> {
    let ApiKey { details, usage } = key;
    match field {
        SortField::Id => Some(Member::Text(details.id.as_str())),
        SortField::ConfigId => Some(Member::Text(details.config_id.as_str())),
        SortField::Name => details.name.as_deref().map(Member::Text),
        SortField::Start => details.start.as_deref().map(Member::Text),
        SortField::ReferenceId => Some(Member::Text(details.owner.as_str())),
        SortField::Prefix => details.prefix.as_deref().map(Member::Text),
        SortField::RefillInterval => details.refill_interval_ms.map(Member::Number),
        SortField::RefillAmount => details.refill_amount.map(Member::Number),
        SortField::LastRefillAt => usage.last_refill_at.map(Member::Instant),
        SortField::Enabled => Some(Member::Flag(details.enabled)),
        SortField::RateLimitEnabled => Some(Member::Flag(details.rate_limit_enabled)),
        SortField::RateLimitTimeWindow => details.rate_limit_window_ms.map(Member::Number),
        SortField::RateLimitMax => details.rate_limit_max.map(Member::Number),
        SortField::RequestCount => Some(Member::Number(usage.request_count)),
        SortField::Remaining => usage.remaining.map(Member::Number),
        SortField::LastRequest => usage.last_request.map(Member::Instant),
        SortField::ExpiresAt => details.expires_at.map(Member::Instant),
        SortField::CreatedAt => Some(Member::Instant(details.created_at)),
        SortField::UpdatedAt => Some(Member::Instant(usage.updated_at)),
    }
}
