use keymint_domain::event::SealedEvent;
use keymint_domain::webhook::WebhookId;
use keymint_domain::{KeyId, OwnerId, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, to_string_pretty};

use crate::pages::keys::key::{actor, reason};
use crate::pages::{keys, owners, webhooks};
use crate::show::{Code, When};
use crate::visitor::Visitor;

/// An event, as people read it: what was done to what, by whom, and when.
pub(super) struct EventLine {
    pub(super) what: String,
    pub(super) by: String,
    pub(super) by_path: String,
    pub(super) at: When,
    /// The key, the server key or the webhook.
    pub(super) subject: Option<Subject>,
    pub(super) owner: Option<Subject>,
    pub(super) changed: String,
    pub(super) details: Option<Code>,
    pub(super) personal: Option<Code>,
    pub(super) was_erased: bool,
    pub(super) facts: Vec<(&'static str, String)>,
}

/// The subject of an event: its id, and its page, if it has one.
pub(super) struct Subject {
    pub(super) id: String,
    pub(super) path: Option<String>,
}

pub(super) fn line(event: &SealedEvent, visitor: &Visitor, now: Timestamp) -> EventLine {
    let SealedEvent { position, row, seal } = event;
    let details = row.details();
    let changed = details.get("changed").and_then(Value::as_array);
    let changed = changed.map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
    let is_empty = details.as_object().is_some_and(serde_json::Map::is_empty);
    let personal = row.personal_details(None);
    let mut facts = vec![("Kind", row.kind.clone()), ("Position", position.to_string()), ("Event", row.id.clone())];
    let more = [("Configuration", &row.config_id), ("Request", &row.request_id)];
    facts.extend(more.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    facts.push(("Seal", seal.to_string()));
    EventLine {
        what: reason(&row.kind.strip_prefix("keymint.").unwrap_or(&row.kind).replace('.', " ")),
        by: actor(&row.actor, visitor),
        by_path: format!("/console/audit?actor={}", utf8_percent_encode(&row.actor, NON_ALPHANUMERIC)),
        at: When::relative(row.at, now),
        subject: row.key_id.as_ref().map(|id| subject(&row.kind, id)).or_else(|| webhook(&details)),
        owner: row.owner.as_ref().map(|id| Subject {
            id: id.clone(),
            path: OwnerId::parse(id.as_str()).ok().map(|owner| owners::path(&owner)),
        }),
        changed: changed.unwrap_or_default(),
        details: (!is_empty).then(|| code(to_string_pretty(&details))),
        personal: personal.map(|personal| code(to_string_pretty(&personal))),
        was_erased: row.is_erased(),
        facts,
    }
}

fn code(json: serde_json::Result<String>) -> Code {
    Code::clipped(&json.unwrap_or_default(), Code::MOST)
}

fn subject(kind: &str, id: &str) -> Subject {
    let is_of_server_key = kind.starts_with("keymint.server_key.");
    Subject {
        id: id.to_owned(),
        path: if is_of_server_key {
            Some("/console/server-keys".to_owned())
        } else {
            KeyId::parse(id).ok().map(|id| keys::path(&id))
        },
    }
}

/// Returns the webhook that details name.
fn webhook(details: &Value) -> Option<Subject> {
    let id = details.get("webhookId")?.as_str()?;
    let path = WebhookId::parse(id).ok().map(|id| webhooks::path(&id));
    Some(Subject { id: id.to_owned(), path })
}
