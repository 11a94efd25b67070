//! Events of uses, made from a key's counters before them and after them.

use serde_json::Map;

use super::{Actor, Event, EventId, EventKind};
use crate::policy::Policy;
use crate::usage::Usage;
use crate::{ApiKey, Timestamp};

/// Returns the events of the uses that took a key's counters from `before` to those that it has at `now`: the shares of
/// its quota that were passed, and its exhaustion.
///
/// A share is of the refill's amount, since a key without refill does not say how large its quota was. With each refill
/// a new period begins.
pub fn quota_events(key: &ApiKey, before: &Usage, policy: &Policy, now: Timestamp) -> Vec<Event> {
    let (Some(old), Some(new)) = (before.remaining, key.usage.remaining) else {
        return Vec::new();
    };
    let mut events = Vec::new();
    if let Some(amount) = key.details.refill_amount.filter(|amount| *amount > 0) {
        let was_refilled = before.last_refill_at != key.usage.last_refill_at;
        let used = |remaining: u64| amount.saturating_sub(remaining);
        let (old, new) = (if was_refilled { 0 } else { used(old) }, used(new));
        let passed = |percent: &&u8| {
            let limit = u128::from(amount) * u128::from(**percent);
            u128::from(old) * 100 < limit && u128::from(new) * 100 >= limit
        };
        let thresholds = policy.quota_thresholds(&key.details.config_id);
        for percent in thresholds.iter().filter(passed) {
            let event = of_use(key, EventKind::KeyQuotaThreshold, *percent, now);
            events.push(event.with("percent", *percent).with("amount", amount).with("remaining", key.usage.remaining));
        }
    }
    if old > 0 && new == 0 {
        events.push(of_use(key, EventKind::KeyExhausted, 0, now).with("requestCount", key.usage.request_count));
    }
    events
}

/// Makes an event of a use. Its id comes from the counters after the use, which no other use leaves.
fn of_use(key: &ApiKey, kind: EventKind, number: u8, at: Timestamp) -> Event {
    let Usage { request_count, updated_at, remaining, .. } = key.usage;
    let counters = [request_count.to_be_bytes(), remaining.unwrap_or(0).to_be_bytes()].concat();
    let updated_at = updated_at.as_millis().to_be_bytes();
    let parts = [kind.as_str().as_bytes(), key.details.id.as_str().as_bytes(), &[number], &counters, &updated_at];
    Event {
        id: EventId::derive(at, &parts),
        at,
        kind,
        subject: key.details.subject(),
        actor: Actor::Keymint,
        request_id: None,
        data: Map::new(),
        personal: Map::new(),
        salt: [0; 16],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::sample::{NOW, key};
    use super::*;
    use crate::key::{Field, NewKey, RefillInput};

    #[test]
    fn a_share_of_a_quota_is_an_event_when_it_is_passed_once_per_period() {
        let refill = RefillInput { amount: Some(10), interval_ms: Some(1000), every: None };
        let mut key = key(NewKey { refill, ..NewKey::default() });
        let policy = Policy::default().recording_events(true);
        let mut spend = |remaining: u64, refilled_at: Option<Timestamp>| {
            let before = key.usage;
            key.usage = Usage { remaining: Some(remaining), last_refill_at: refilled_at, ..before };
            let events = quota_events(&key, &before, &policy, NOW);
            let percent = |event: &Event| event.data.get("percent").and_then(Value::as_u64);
            events.iter().map(percent).collect::<Vec<_>>()
        };
        assert_eq!(spend(6, None), []);
        assert_eq!(spend(5, None), [Some(50)]);
        assert_eq!(spend(4, None), []);
        assert_eq!(spend(0, None), [Some(80), Some(100), None], "and the key is exhausted");
        assert_eq!(spend(4, Some(NOW)), [Some(50)], "another period");
        assert_eq!(spend(9, Some(NOW)), [], "a gift");
    }

    #[test]
    fn a_quota_without_refill_has_no_shares_but_an_end() {
        let mut key = key(NewKey { remaining: Field::Given(2), ..NewKey::default() });
        let before = key.usage;
        key.usage.remaining = Some(0);
        let policy = Policy::default().recording_events(true);
        let events = quota_events(&key, &before, &policy, NOW);
        assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::KeyExhausted]);
        assert_eq!(quota_events(&key, &key.usage, &policy, NOW), []);
    }
}
