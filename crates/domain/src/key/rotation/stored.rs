//! The text by which a row keeps a rotation.

use serde_json::{Map, Value, json};

use super::{FormerSecret, PendingSecret, Rotation, RotationStage, Wait};
use crate::Timestamp;
use crate::key::StoredKey;

/// The error for a text that holds no rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an object with the stage of a rotation")]
pub struct InvalidRotation;

impl Rotation {
    /// Reads a rotation from its second secret and the text of a stored row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRotation`] for a text that [`Rotation::to_stored`] does not write.
    pub fn from_stored(second: StoredKey, text: &str) -> Result<Self, InvalidRotation> {
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| InvalidRotation)?;
        let optional_instant = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(|ms| Some(Timestamp::from_millis(ms))).ok_or(InvalidRotation),
        };
        let instant = |name: &str| optional_instant(name)?.ok_or(InvalidRotation);
        let (stage, expected) = match members.get("stage").and_then(Value::as_str) {
            Some("pending") => {
                let start = match members.get("start") {
                    None => None,
                    Some(start) => Some(start.as_str().ok_or(InvalidRotation)?.to_owned()),
                };
                let (cancels_at, cuts_at) = (optional_instant("cancelsAt")?, optional_instant("cutsAt")?);
                let wait = match (cancels_at, cuts_at) {
                    (Some(at), None) => Wait::CancelsAt(at),
                    (None, Some(at)) => Wait::CutsAt(at),
                    (None, None) | (Some(_), Some(_)) => return Err(InvalidRotation),
                };
                let grace_ms = members.get("graceMs").and_then(Value::as_u64).ok_or(InvalidRotation)?;
                let expected = 4 + usize::from(start.is_some());
                (RotationStage::Pending(PendingSecret { start, since: instant("since")?, wait, grace_ms }), expected)
            }
            Some("grace") => {
                let used_at = optional_instant("usedAt")?;
                let expected = 2 + usize::from(used_at.is_some());
                (RotationStage::Grace(FormerSecret { ends_at: instant("endsAt")?, used_at }), expected)
            }
            _ => return Err(InvalidRotation),
        };
        if members.len() == expected { Ok(Self { second, stage }) } else { Err(InvalidRotation) }
    }

    /// Returns the text for a row. The second secret stands in a column of its own.
    pub fn to_stored(&self) -> String {
        let Self { second: _, stage } = self;
        let ms = |at: Timestamp| json!(at.as_millis());
        let members = match stage {
            RotationStage::Pending(PendingSecret { start, since, wait, grace_ms }) => {
                let (name, at) = match wait {
                    Wait::CancelsAt(at) => ("cancelsAt", at),
                    Wait::CutsAt(at) => ("cutsAt", at),
                };
                vec![
                    ("stage", Some(json!("pending"))),
                    ("since", Some(ms(*since))),
                    (name, Some(ms(*at))),
                    ("graceMs", Some(json!(grace_ms))),
                    ("start", start.as_ref().map(|start| json!(start))),
                ]
            }
            RotationStage::Grace(FormerSecret { ends_at, used_at }) => {
                vec![("stage", Some(json!("grace"))), ("endsAt", Some(ms(*ends_at))), ("usedAt", used_at.map(ms))]
            }
        };
        let members: Map<_, _> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Value::Object(members).to_string()
    }
}
