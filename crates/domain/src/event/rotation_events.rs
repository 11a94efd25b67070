//! Events about the rotation of a key's secret. None of them tells anything of a secret.

use super::watch_events::once;
use super::{Event, EventKind, Origin};
use crate::key::{RotationTurn, Wait};
use crate::{ApiKey, KeyDetails, Timestamp};

impl Origin {
    /// Makes the events of the steps that a change of a rotation took; none if the change is not recorded.
    ///
    /// A step that a use or the time made is Keymint's, even if a caller's change found that its time had come.
    pub fn key_rotated(&self, key: &ApiKey, turns: &[RotationTurn]) -> Vec<Event> {
        let event = |turn: &RotationTurn| {
            let own = self.event(kind_of(turn), key.details.subject())?;
            if turn.is_of_use_or_time() {
                return Some(Event::of_turn(&key.details, turn, self.at));
            }
            Some(with_details(own, turn).with_personal("name", key.details.name.clone()))
        };
        turns.iter().filter_map(event).collect()
    }
}

impl Event {
    /// Makes the event of a step that a use or the time made.
    pub fn of_turn(key: &KeyDetails, turn: &RotationTurn, now: Timestamp) -> Self {
        // The secret in use is another one after each rotation.
        let period = format!("{turn:?} {}", key.secret_since().as_millis());
        with_details(once(key.subject(), key.name.clone(), kind_of(turn), now, &period, now), turn)
    }
}

fn kind_of(turn: &RotationTurn) -> EventKind {
    match turn {
        RotationTurn::Begun { .. } => EventKind::KeyRotated,
        RotationTurn::Confirmed { .. } => EventKind::KeyRotationConfirmed,
        RotationTurn::Ended(_) => EventKind::KeyRotationEnded,
    }
}

fn with_details(event: Event, turn: &RotationTurn) -> Event {
    match turn {
        RotationTurn::Begun { wait: None, grace_ms: _, replaced } => {
            event.with("now", true).with("replaced", *replaced)
        }
        RotationTurn::Begun { wait: Some(wait), grace_ms, replaced } => {
            let event = event.with("now", false).with("replaced", *replaced).with("graceSeconds", grace_ms / 1000);
            match wait {
                Wait::CancelsAt(at) => event.with("cancelledAt", at.to_string()),
                Wait::CutsAt(at) => event.with("deadline", at.to_string()),
            }
        }
        RotationTurn::Confirmed { former_ends_at } => event.with("formerSecretEndsAt", former_ends_at.to_string()),
        RotationTurn::Ended(end) => event.with("reason", end.as_str()),
    }
}
