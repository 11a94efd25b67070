//! One key: its settings, its usage, its limits and its events.

mod events;
mod usage;

use askama::Template;
use keymint_domain::ApiKey;
use keymint_domain::key::{FormerSecret, PendingSecret, RotationStage, Wait};
use keymint_domain::policy::Configuration;
use keymint_domain::usage::Standing;

use crate::answer::{Answer, page};
use crate::ask::Ask;
use crate::layout::{Layout, Section};
use crate::place::May;
use crate::show::{Badge, Code, When, count, duration, plural};
use crate::visitor::Visitor;

use events::EventLine;

pub(crate) use events::actor;
pub(crate) use usage::{UsageView, read_of as read_usage_of, reason};

#[derive(Template)]
#[template(path = "pages/keys/key/page.html")]
struct KeyPage {
    layout: Layout,
    name: String,
    path: String,
    badge: Badge,
    was_made_before: bool,
    is_revoked: bool,
    may: May,
    facts: Vec<Fact>,
    permissions: Vec<String>,
    /// The number of permissions that are not shown; `None` = all are.
    more_permissions: Option<String>,
    default_is_wildcard: bool,
    networks: Vec<(&'static str, Vec<String>)>,
    metadata: Option<Code>,
    limits: Vec<Limit>,
    rotation: Option<RotationView>,
    usage: Option<UsageView>,
    events: Option<Vec<EventLine>>,
}

/// A setting with its value.
struct Fact {
    name: &'static str,
    value: Value,
}

enum Value {
    Text(String),
    Code(String),
    At(When),
}

/// A limit, and what is left of it.
struct Limit {
    name: &'static str,
    rule: String,
    left: String,
    most: u64,
    value: u64,
    more: Option<String>,
}

struct RotationView {
    is_pending: bool,
    start: Option<String>,
    since: Option<When>,
    cancelled_at: Option<When>,
    cut_at: Option<When>,
    grace: Option<String>,
    ends_at: Option<When>,
    used_at: Option<When>,
}

/// The permissions that the page shows.
const MOST_PERMISSIONS: usize = 100;

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key(&visitor).await?;
    let now = ask.now();
    let configuration = ask.keys().policy().resolve(&key.details.config_id).ok();
    let rule = |networks: &keymint_domain::address::Networks| networks.texts().collect::<Vec<_>>();
    let addresses = &key.details.addresses;
    let networks = [("From", rule(&addresses.allowed)), ("Never from", rule(&addresses.denied))];
    let name = super::name(&key);
    let permissions = key.details.permissions.as_ref().map(super::parts::words).unwrap_or_default();
    let has_rotation = key.details.rotation.is_some();
    let known = [
        ("saved", true),
        ("restored", true),
        ("revoked", key.details.revocation.is_some()),
        ("rotation-cancelled", !has_rotation),
        ("rotation-finished", !has_rotation),
    ];
    let done = crate::pages::done(&ask.query, &known);
    let more = |more: usize| count(u64::try_from(more).unwrap_or(u64::MAX));
    let template = KeyPage {
        layout: Layout::of(&visitor, Section::Keys, name.clone()).with_done(done),
        name,
        path: visitor.path(&key.details.id),
        badge: Badge::of(&key, now),
        was_made_before: ask.query.raw("made") == "before",
        is_revoked: key.details.revocation.is_some(),
        may: ask.may(&visitor, &key).await?,
        facts: facts(&key, configuration, &visitor, now),
        more_permissions: permissions.len().checked_sub(MOST_PERMISSIONS).filter(|more| *more > 0).map(more),
        permissions: permissions.into_iter().take(MOST_PERMISSIONS).collect(),
        default_is_wildcard: configuration.is_some_and(|found| found.wildcards)
            && key.details.permissions.as_ref().is_some_and(keymint_domain::Permissions::has_star),
        networks: networks.into_iter().filter(|(_, list)| !list.is_empty()).collect(),
        metadata: key.details.metadata.as_ref().map(|metadata| Code::clipped(metadata.as_json(), Code::MOST)),
        limits: limits(&ask, &key),
        rotation: rotation(&key, now),
        usage: usage::read(&ask, &visitor, &key).await?,
        events: events::read(&ask, &visitor, &key).await?,
    };
    page(&template)
}

fn facts(
    key: &ApiKey,
    configuration: Option<&Configuration>,
    visitor: &Visitor,
    now: keymint_domain::Timestamp,
) -> Vec<Fact> {
    let details = &*key.details;
    let fact = |name, value| Fact { name, value };
    let mut facts = vec![fact("Id", Value::Code(details.id.to_string()))];
    if let Some(start) = &details.start {
        facts.push(fact("Begins with", Value::Code(start.clone())));
    }
    facts.push(fact("Configuration", Value::Text(details.config_id.to_string())));
    if visitor.is_operator || details.owner != visitor.id {
        facts.push(fact("Owner", Value::Code(details.owner.to_string())));
    }
    facts.push(fact("Made", Value::At(When::date(details.created_at))));
    if let Some(actor) = &details.created_by {
        let text = if visitor.is_operator { actor.to_string() } else { actor.outline() };
        facts.push(fact("Made by", Value::Text(events::actor(&text, visitor))));
    }
    facts.push(fact("Expires", details.expires_at.map_or_else(|| Value::Text("Never".to_owned()), at)));
    facts.push(fact(
        "Last used",
        match key.usage.last_request {
            Some(used) => Value::At(When::relative(used, now)),
            None => Value::Text("Never".to_owned()),
        },
    ));
    if let Some(rotated) = details.rotated_at {
        facts.push(fact("Secret since", at(rotated)));
    }
    if let Some(due) = configuration.and_then(|found| found.rotation_due_at(key)) {
        facts.push(fact("Rotation due", at(due)));
    }
    if let Some(revocation) = &details.revocation {
        facts.push(fact("Revoked", at(revocation.at)));
        facts.push(fact("Revoked by", Value::Text(events::actor(&revocation.by.to_string(), visitor))));
    }
    facts
}

fn at(instant: keymint_domain::Timestamp) -> Value {
    Value::At(When::date(instant))
}

fn limits(ask: &Ask, key: &ApiKey) -> Vec<Limit> {
    let mut limits: Vec<Limit> = ask.keys().standings(key).map(|standing| limit(&standing)).collect();
    if let Some(left) = key.usage.remaining.filter(|_| key.details.refill().is_none()) {
        limits.push(Limit {
            name: "Quota",
            rule: "without a refill".to_owned(),
            left: plural(left, "call left", "calls left"),
            most: 0,
            value: left,
            more: None,
        });
    }
    limits
}

fn limit(standing: &Standing) -> Limit {
    let Standing { limit, max, window_ms, remaining, more_in_ms } = *standing;
    let is_rate = limit == Standing::RATE;
    let every = duration(window_ms);
    let calls = plural(max, "call", "calls");
    Limit {
        name: if is_rate { "Rate limit" } else { "Quota" },
        rule: if is_rate { format!("{calls} in {every}") } else { format!("refilled to {calls}") },
        left: format!("{} of {} left", count(remaining), count(max)),
        most: max,
        value: remaining.min(max),
        more: more_in_ms
            .filter(|ms| *ms > 0 && remaining < max)
            .map(|ms| format!("More in {}.", duration(ms.max(1000) / 1000 * 1000))),
    }
}

fn rotation(key: &ApiKey, now: keymint_domain::Timestamp) -> Option<RotationView> {
    let none = RotationView {
        is_pending: false,
        start: None,
        since: None,
        cancelled_at: None,
        cut_at: None,
        grace: None,
        ends_at: None,
        used_at: None,
    };
    Some(match &key.details.rotation.as_ref()?.stage {
        RotationStage::Pending(PendingSecret { start, since, wait, grace_ms }) => {
            let (cancelled_at, cut_at) = match wait {
                Wait::CancelsAt(at) => (Some(When::relative(*at, now)), None),
                Wait::CutsAt(at) => (None, Some(When::relative(*at, now))),
            };
            RotationView {
                is_pending: true,
                start: start.clone(),
                since: Some(When::relative(*since, now)),
                cancelled_at,
                cut_at,
                grace: (*grace_ms > 0).then(|| duration(*grace_ms)),
                ..none
            }
        }
        RotationStage::Grace(FormerSecret { ends_at, used_at }) => RotationView {
            ends_at: Some(When::relative(*ends_at, now)),
            used_at: used_at.map(|at| When::relative(at, now)),
            ..none
        },
    })
}
