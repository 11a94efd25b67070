//! Members that several endpoints of keys have.

use keymint_domain::ConfigId;
use keymint_domain::key::{Field, RefillEdit, RefillInput};
use keymint_domain::policy::{Configuration, Policy};
use keymint_domain::usage::Every;
use keymint_domain::value::{KeyName, Lifetime, MAX_PERIOD_MS, Prefix};
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{Member, Members, kind, schema};

const DAY_SECONDS: u64 = 86_400;

impl Members<'_> {
    /// Reads how a quota is refilled: an amount with an interval or a calendar, or neither.
    pub(crate) fn refill(&mut self) -> RefillInput {
        let [amount, interval, calendar] = REFILL;
        let amount = self
            .optional(amount, "Uses after a refill of the quota, with an interval or a calendar. For servers only.")
            .count(1);
        let interval_ms = self
            .optional(interval, "Milliseconds between refills, with an amount. For servers only.")
            .integer(1..=MAX_PERIOD_MS);
        let every = self
            .optional(
                calendar,
                "The calendar that refills, in the place of an interval, with an amount. For servers only.",
            )
            .calendar()
            .given();
        RefillInput { amount, interval_ms, every }
    }

    /// Reads how a quota is refilled from now on: the same, or null for both halves, or neither.
    pub(crate) fn changed_refill(&mut self) -> RefillEdit {
        let [amount, interval, calendar] = REFILL;
        let amount = self
            .optional(
                amount,
                "Uses after a refill of the quota; null, with the interval, is no refill. For servers only.",
            )
            .nullable_count(1);
        let interval_ms = self
            .optional(interval, "Milliseconds between refills; null, with the amount, is no refill. For servers only.")
            .nullable_integer(1..=MAX_PERIOD_MS);
        let every = self
            .optional(
                calendar,
                "The calendar that refills, in the place of an interval; null is none. For servers only.",
            )
            .nullable_calendar();
        RefillEdit { amount, interval_ms, every }
    }
}

/// The members of a refill: its amount, and the two of which one is its period.
const REFILL: [&str; 3] = ["refillAmount", "refillInterval", "refill"];

impl Member<'_, '_> {
    /// Reads a calendar: `{ "every": "month", "at": "UTC" }`.
    fn calendar(mut self) -> Field<Every> {
        self.state(|_| calendar());
        self.read_calendar()
    }

    /// Reads a calendar, or null.
    fn nullable_calendar(mut self) -> Field<Every> {
        self.state(|_| schema::nullable(calendar()));
        if self.value() == Some(&Value::Null) { Field::Null } else { self.read_calendar() }
    }

    fn read_calendar(&mut self) -> Field<Every> {
        let members = match self.value() {
            None => return Field::Absent,
            Some(Value::Object(members)) => members,
            other => {
                let received = kind(other);
                self.expected("object", received);
                return Field::Absent;
            }
        };
        let every = members.get("every").and_then(Value::as_str).and_then(Every::parse);
        let is_utc = members.get("at").is_none_or(|at| at == "UTC");
        let name = self.name;
        if every.is_none() {
            self.members.refuse(&format!("{name}.every"), r#"Invalid option: expected one of "day"|"week"|"month""#);
        }
        if !is_utc {
            self.members.refuse(&format!("{name}.at"), r#"Invalid input: expected "UTC""#);
        }
        every.filter(|_| is_utc).map_or(Field::Absent, Field::Given)
    }

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
    let least = limits().map(|limits| u64::from(limits.min_days) * DAY_SECONDS).min().unwrap_or_default();
    let most = limits().map(|limits| u64::from(limits.max_days) * DAY_SECONDS).max().unwrap_or_default();
    schema::nullable(schema::integer(least.max(1), most.max(1))).examples([json!(86_400)])
}

fn calendar() -> ObjectBuilder {
    let every = schema::choice(Every::ALL.map(Every::as_str)).description(Some("Weeks begin on Monday."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("every", every)
        .required("every")
        .property("at", schema::choice(["UTC"]).description(Some("The time zone.")))
        .examples([json!({ "every": "month", "at": "UTC" })])
}
