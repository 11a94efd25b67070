use keymint_domain::address::Networks;
use keymint_domain::{ApiKey, Metadata};

use super::limits::UNITS;
use crate::form::Fields;
use crate::show::count;

/// The values that the fields show: those that were sent, else those of the key.
pub(in crate::pages::keys) struct Values {
    pub(in crate::pages::keys) name: String,
    pub(in crate::pages::keys) more_permissions: String,
    pub(in crate::pages::keys) metadata: String,
    pub(in crate::pages::keys) limit: String,
    pub(in crate::pages::keys) calls: String,
    pub(in crate::pages::keys) window: String,
    pub(in crate::pages::keys) unit: String,
    pub(in crate::pages::keys) quota: String,
    /// The quota as the form first showed it; `None` = the key is new.
    pub(in crate::pages::keys) quota_before: Option<String>,
    pub(in crate::pages::keys) refill: String,
    pub(in crate::pages::keys) every: String,
    pub(in crate::pages::keys) allowed: String,
    pub(in crate::pages::keys) denied: String,
}

impl Values {
    /// Returns those that were sent, or of a form for a new key.
    pub(in crate::pages::keys) fn sent(fields: &Fields) -> Self {
        let text = |name| fields.raw(name).to_owned();
        let or = |name, other: &str| if fields.has(name) { text(name) } else { other.to_owned() };
        Self {
            name: text("name"),
            more_permissions: text("more-permissions"),
            metadata: text("metadata"),
            limit: or("limit", "default"),
            calls: text("calls"),
            window: or("window", "1"),
            unit: or("unit", "minute"),
            quota: text("quota"),
            quota_before: fields.has("quota-before").then(|| text("quota-before")),
            refill: text("refill"),
            every: text("every"),
            allowed: text("allowed"),
            denied: text("denied"),
        }
    }

    /// Returns those of a key. `more_permissions` are those that the picker does not offer.
    pub(in crate::pages::keys) fn of(key: &ApiKey, more_permissions: String) -> Self {
        let details = &*key.details;
        let window = details.rate_limit_window_ms.unwrap_or(60_000);
        let (unit, ms) = UNITS.into_iter().find(|(_, ms)| window.is_multiple_of(*ms)).unwrap_or(("millisecond", 1));
        let list = |networks: &Networks| networks.texts().collect::<Vec<_>>().join("\n");
        let every = match (details.refill_every, details.refill_interval_ms) {
            (Some(every), _) => every.as_str(),
            (None, Some(_)) => "interval",
            (None, None) => "",
        };
        let quota = key.usage.remaining.map(count).unwrap_or_default();
        Self {
            name: details.name.clone().unwrap_or_default(),
            more_permissions,
            metadata: details.metadata.as_ref().map(Metadata::as_json).unwrap_or_default().to_owned(),
            limit: if details.rate_limit_enabled { "own" } else { "none" }.to_owned(),
            calls: details.rate_limit_max.map(count).unwrap_or_default(),
            window: count(window / ms),
            unit: unit.to_owned(),
            quota_before: Some(quota.clone()),
            quota,
            refill: details.refill_amount.map(count).unwrap_or_default(),
            every: every.to_owned(),
            allowed: list(&details.addresses.allowed),
            denied: list(&details.addresses.denied),
        }
    }
}
