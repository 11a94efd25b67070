//! Members that several endpoints of keys have.

use keymint_domain::ConfigId;
use keymint_domain::key::{Field, RefillEdit, RefillInput};
use keymint_domain::policy::{Configuration, Policy};
use keymint_domain::value::{KeyName, Lifetime, Prefix};
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{Member, Members, schema};

const DAY: f64 = 86_400.0;

impl Members<'_> {
    /// Reads how a quota is refilled: both members, or neither.
    pub(crate) fn refill(&mut self) -> RefillInput {
        const NAMES: [&str; 2] = ["refillAmount", "refillInterval"];
        let amount = self.optional(NAMES[0], "Uses after a refill of the quota. For servers only.").count(1);
        let interval_ms = self.optional(NAMES[1], "Milliseconds between refills. For servers only.").count(1);
        if let Some(stated) = &mut self.stated {
            stated.shape.pair(NAMES);
        }
        RefillInput { amount, interval_ms }
    }

    /// Reads how a quota is refilled from now on: both members, both null, or neither.
    pub(crate) fn changed_refill(&mut self) -> RefillEdit {
        const NAMES: [&str; 2] = ["refillAmount", "refillInterval"];
        let amount = self
            .optional(
                NAMES[0],
                "Uses after a refill of the quota; null, with the interval, is no refill. For servers only.",
            )
            .nullable_count(1);
        let interval_ms = self
            .optional(NAMES[1], "Milliseconds between refills; null, with the amount, is no refill. For servers only.")
            .nullable_count(1);
        if let Some(stated) = &mut self.stated {
            stated.shape.pair(NAMES);
        }
        RefillEdit { amount, interval_ms }
    }
}

impl Member<'_, '_> {
    /// Reads the id of a configuration; an empty one means the default one (docs/better-auth-wire.md 6.4).
    pub(crate) fn config_id(self) -> Option<ConfigId> {
        match self.id_or_empty(ConfigId::parse) {
            Field::Given(id) => Some(id),
            Field::Null => Some(ConfigId::default_id()),
            Field::Absent => None,
        }
    }

    /// Reads a key's name, as long as some configuration takes it.
    pub(crate) fn key_name(self) -> Option<KeyName> {
        self.name(|entry| entry.name_length.min)
    }

    /// Reads the name of a new key; an empty one counts as none where the configuration requires none.
    pub(crate) fn new_key_name(self) -> Option<KeyName> {
        self.name(|entry| if entry.require_name { entry.name_length.min } else { 0 })
    }

    fn name(mut self, least: impl Fn(&Configuration) -> usize) -> Option<KeyName> {
        self.state(|policy| {
            let all = policy.configurations();
            let most = all.iter().map(|entry| entry.name_length.max).max();
            schema::visible_text().min_length(all.iter().map(least).min()).max_length(most)
        });
        let name = self.read_text();
        self.parsed_id(name, KeyName::parse)
    }

    /// Reads a key's prefix, as long as some configuration takes it.
    pub(crate) fn prefix(mut self) -> Option<Prefix> {
        self.state(prefix);
        let prefix = self.read_text();
        self.parsed(prefix, Prefix::parse)
    }

    /// Reads the seconds that a key may live by some configuration, or null.
    pub(crate) fn lifetime(mut self) -> Field<Lifetime> {
        self.state(lifetime);
        match self.read_nullable_number(1.0) {
            Field::Given(seconds) => Lifetime::from_seconds(seconds).map_or(Field::Absent, Field::Given),
            Field::Null => Field::Null,
            Field::Absent => Field::Absent,
        }
    }
}

fn prefix(policy: &Policy) -> ObjectBuilder {
    let all = policy.configurations();
    schema::text()
        .pattern(Some("^[A-Za-z0-9_-]+$"))
        .min_length(all.iter().map(|entry| entry.prefix_length.min).min())
        .max_length(all.iter().map(|entry| entry.prefix_length.max).max())
}

fn lifetime(policy: &Policy) -> ObjectBuilder {
    let limits = || policy.configurations().iter().map(|entry| entry.expiration);
    let least = limits().map(|limits| f64::from(limits.min_days) * DAY).fold(f64::INFINITY, f64::min);
    let most = limits().map(|limits| f64::from(limits.max_days) * DAY).fold(1.0, f64::max);
    let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(least.max(1.0))).maximum(Some(most));
    schema::nullable(number).examples([json!(86_400)])
}
