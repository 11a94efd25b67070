use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::seal::{Seal, personal_hash};
use super::{Actor, Event, Subject};
use crate::{Timestamp, UserId};

/// An event as it is stored: texts, so that a row of a later version, or one that somebody has altered, can be read,
/// shown and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The id.
    pub id: String,
    /// The instant of the event.
    pub at: Timestamp,
    /// The kind, such as `keymint.key.created`.
    pub kind: String,
    /// The id of the key.
    pub key_id: Option<String>,
    /// The id of the owner, the user or the organization.
    pub owner: Option<String>,
    /// The id of the configuration.
    pub config_id: Option<String>,
    /// The actor.
    pub actor: String,
    /// The id of the request.
    pub request_id: Option<String>,
    /// The details, as a JSON object.
    pub data: String,
    /// The details about persons, as a JSON object with a random member `salt`; `None` = there are none, or they were
    /// erased.
    pub personal: Option<String>,
    /// The hash of `personal`, which remains when that is erased; `None` = there never were any.
    pub personal_hash: Option<String>,
}

/// A stored event with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
    /// The position, from 1. Positions have no gaps, and an event gets its position after its change was committed.
    pub position: u64,
    /// The event.
    pub row: EventRow,
    /// The seal over the previous seal and this event.
    pub seal: Seal,
}

impl EventRow {
    /// Returns the details. Those that somebody has altered into anything but JSON are one text.
    pub fn details(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|_| Value::String(self.data.clone()))
    }

    /// Returns the details about persons for `reader`, without their salt; `None` = there are none, or they were erased.
    ///
    /// A user sees where they were themselves, and of nobody else.
    pub fn personal_details(&self, reader: Option<&UserId>) -> Option<Map<String, Value>> {
        let mut personal: Map<String, Value> = serde_json::from_str(self.personal.as_deref()?).unwrap_or_default();
        personal.remove("salt");
        let is_reader = |user: &UserId| {
            [Actor::User(user.clone()), Actor::KeySession(user.clone())].iter().any(|own| own.to_string() == self.actor)
        };
        if !reader.is_none_or(is_reader) {
            personal.remove("client");
        }
        (!personal.is_empty()).then_some(personal)
    }

    /// Returns true if there were details about persons, which were erased.
    pub fn is_erased(&self) -> bool {
        self.personal.is_none() && self.personal_hash.is_some()
    }
}

impl Event {
    /// Converts it to the form to store.
    pub fn into_row(self) -> EventRow {
        let Self { id, at, kind, subject, actor, request_id, data, mut personal, salt } = self;
        let Subject { key_id, owner, config_id } = subject;
        let personal = (!personal.is_empty()).then(|| {
            personal.insert("salt".to_owned(), URL_SAFE_NO_PAD.encode(salt).into());
            Value::Object(personal).to_string()
        });
        EventRow {
            id: id.into_string(),
            at,
            kind: kind.as_str().to_owned(),
            key_id: key_id.map(|id| id.as_str().to_owned()),
            owner: owner.map(|id| id.as_str().to_owned()),
            config_id: config_id.map(|id| id.as_str().to_owned()),
            actor: actor.to_string(),
            request_id: request_id.map(String::from),
            data: Value::Object(data).to_string(),
            personal_hash: personal.as_deref().map(personal_hash),
            personal,
        }
    }
}
