//! Events about leaks.

use super::{Event, EventId, EventKind, Origin};
use crate::key::{RotationStage, SecretRole};
use crate::leak::{LeakJudgement, LeakReport};
use crate::{ApiKey, Timestamp};

impl Origin {
    /// Makes the event of a report that the secret of `key` is public; `None` = changes are not recorded.
    ///
    /// Its id comes from the secret's key and age, the reporter and the place: the same report again makes the same id,
    /// and one about another place another.
    pub fn key_leaked(&self, key: &ApiKey, report: &LeakReport, judgement: &LeakJudgement) -> Option<Event> {
        let LeakJudgement { secret, action, effect: _, patch: _, rotation: _ } = judgement;
        let mut event = self.event(EventKind::KeyLeaked, key.details.subject())?;
        let LeakReport { reporter, place, .. } = report;
        event.id = EventId::derive(
            secret_since(key, *secret),
            &[
                EventKind::KeyLeaked.as_str().as_bytes(),
                key.details.id.as_str().as_bytes(),
                name_of(*secret).as_bytes(),
                reporter.as_str().as_bytes(),
                place.source().unwrap_or_default().as_bytes(),
                place.url().unwrap_or_default().as_bytes(),
            ],
        );
        let mut event =
            event.with("secret", name_of(*secret)).with("reporter", reporter.as_str()).with("action", action.as_str());
        for (name, text) in [("source", place.source()), ("url", place.url())] {
            if let Some(text) = text {
                event = event.with(name, text);
            }
        }
        Some(event.with_personal("name", key.details.name.clone()))
    }
}

fn name_of(secret: SecretRole) -> &'static str {
    match secret {
        SecretRole::InUse => "in use",
        SecretRole::New => "new",
        SecretRole::Former => "former",
    }
}

/// Returns an instant that tells the secret from others that had the same role on the key.
fn secret_since(key: &ApiKey, secret: SecretRole) -> Timestamp {
    match (secret, key.details.rotation.as_ref().map(|rotation| &rotation.stage)) {
        (SecretRole::New, Some(RotationStage::Pending(pending))) => pending.since,
        _ => key.details.secret_since(),
    }
}
