use std::net::IpAddr;

use serde_json::Map;
use sha2::{Digest, Sha256};

use super::{Actor, Event, EventId, EventKind, Subject};
use crate::notice::{Expiry, Notice};
use crate::{Randomness, Timestamp};

/// The origin of a change: the actor, the instant, the client's address and the request, if they are known.
///
/// It makes the events of one change. Their ids come from its random seed, so that a retry of the change records the
/// same events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The actor.
    pub actor: Actor,
    /// The instant of the change.
    pub at: Timestamp,
    /// The address of the client.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<Box<str>>,
    /// `None` = the change is not recorded.
    seed: Option<[u8; 16]>,
    /// The time after an expiry, in ms, for which a removal makes its notice; `None` = removals make none.
    announces_within_ms: Option<u64>,
}

impl Origin {
    /// Makes the origin of a change by `actor` at `at`.
    pub fn new(actor: Actor, at: Timestamp, fill: Randomness<'_>) -> Self {
        let mut seed = [0; 16];
        fill(&mut seed);
        Self { actor, at, client: None, request_id: None, seed: Some(seed), announces_within_ms: None }
    }

    /// Makes the origin of a change that is not recorded.
    pub const fn unrecorded() -> Self {
        Self {
            actor: Actor::Keymint,
            at: Timestamp::MIN,
            client: None,
            request_id: None,
            seed: None,
            announces_within_ms: None,
        }
    }

    /// Lets removals make the notices of keys that expired at most so many ms before. If events are kept for at least as
    /// long, each notice exists once.
    #[must_use]
    pub fn announcing(self, within_ms: u64) -> Self {
        Self { announces_within_ms: Some(within_ms), ..self }
    }

    /// Returns the notice of an expiry that a removal makes.
    pub(super) fn announced(&self, expiry: Expiry) -> Option<Notice> {
        let within_ms = self.announces_within_ms.filter(|_| self.seed.is_some())?;
        expiry.notice(self.at).filter(|notice| self.at.millis_since(notice.due_at) <= within_ms)
    }

    /// Makes an event of this change; `None` = the change is not recorded. Two events of one change differ in their
    /// kind or in their subject.
    pub fn event(&self, kind: EventKind, subject: Subject) -> Option<Event> {
        let seed = self.seed?;
        let key_id = subject.key_id.as_ref().map(|id| id.as_str().as_bytes()).unwrap_or_default();
        let owner = subject.owner.as_ref().map(|id| id.as_str().as_bytes()).unwrap_or_default();
        let event = Event {
            id: EventId::derive(self.at, &[&seed, kind.as_str().as_bytes(), key_id, owner]),
            at: self.at,
            kind,
            subject,
            actor: self.actor.clone(),
            request_id: self.request_id.clone(),
            data: Map::new(),
            personal: Map::new(),
            salt: salt(seed),
        };
        Some(event.with_personal("client", self.client.map(|address| address.to_string())))
    }
}

/// Returns random bytes from the seed, which nothing else reveals.
fn salt(seed: [u8; 16]) -> [u8; 16] {
    let mut salt = [0; 16];
    salt.copy_from_slice(&Sha256::digest([&seed[..], b"salt"].concat())[..16]);
    salt
}
