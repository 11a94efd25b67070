//! Events: what happened to a key, a user or the deployment, and who did it.
//!
//! An [`Event`] is made by a pure function from the state before a change and the state after it. A store writes it in
//! the transaction of the change, as an [`EventRow`]: the event exists if and only if the change was committed. Audit,
//! webhooks and notices read the same rows.
//!
//! No event holds a secret, a hash or a password. [`Event::personal`] holds names and addresses of persons, which can
//! be erased later without breaking the chain of [`seal`]s.

mod actor;
mod check;
mod cursor;
mod id;
mod key_events;
mod kind;
mod lateness;
mod leak_events;
mod members;
mod organization_events;
mod origin;
mod query;
mod rotation_events;
mod row;
#[cfg(test)]
mod sample;
pub mod seal;
mod server_events;
mod use_events;
mod user_events;
mod watch_events;
mod webhook_events;

use serde_json::{Map, Value};

pub use actor::{Actor, InvalidActor};
pub use check::{Broken, ChainCheck};
pub use id::EventId;
pub use key_events::RemovedKey;
pub use kind::EventKind;
pub use lateness::Lateness;
pub use origin::Origin;
pub use query::{EventQuery, InvalidPattern, KindPattern};
pub use row::{EventRow, SealedEvent};
pub use use_events::quota_events;

use crate::{ConfigId, KeyId, OwnerId, Timestamp};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id, which is unique and begins with a time.
    pub id: EventId,
    /// The instant of the event, by the clock of the process that recorded it.
    pub at: Timestamp,
    /// The kind.
    pub kind: EventKind,
    /// The key, user, organization or server key that the event is about.
    pub subject: Subject,
    /// The actor behind it.
    pub actor: Actor,
    /// The id of the request that caused it.
    pub request_id: Option<Box<str>>,
    /// Details, which depend on the kind.
    pub data: Map<String, Value>,
    /// Details about persons: names, addresses. They can be erased.
    pub personal: Map<String, Value>,
    /// Keeps the hash of `personal` from being guessed.
    salt: [u8; 16],
}

/// The ids by which events are found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The key.
    pub key_id: Option<KeyId>,
    /// The owner of the key, or the user or organization that the event is about.
    pub owner: Option<OwnerId>,
    /// The configuration of the key.
    pub config_id: Option<ConfigId>,
}

impl Subject {
    /// Returns the subject of an event about a user or an organization.
    pub fn owner(owner: impl Into<OwnerId>) -> Self {
        Self { owner: Some(owner.into()), ..Self::default() }
    }
}

impl Event {
    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a detail about a person, if it is known.
    #[must_use]
    pub fn with_personal(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.personal.insert(name.to_owned(), value.into());
        }
        self
    }
}
