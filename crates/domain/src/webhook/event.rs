use serde_json::{Map, Value, json};

use crate::event::{EventRow, SealedEvent};
use crate::{ConfigId, KeyId, OwnerId, Timestamp};

/// An event as endpoints are told of it. It has neither a client's address nor a name: what was sent cannot be erased.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookEvent {
    /// The place in the order of all events.
    pub position: u64,
    /// The id of the event, which is the same in every attempt.
    pub id: Box<str>,
    /// The kind, as in `keymint.key.created`.
    pub kind: Box<str>,
    /// The instant at which it happened.
    pub at: Timestamp,
    /// The key that it happened to.
    pub key_id: Option<KeyId>,
    /// The owner of the key.
    pub owner: Option<OwnerId>,
    /// The configuration of the key.
    pub config_id: Option<ConfigId>,
    /// The one who did it, as in `server_key:ID`.
    pub actor: Box<str>,
    /// The id of the request that did it.
    pub request_id: Option<Box<str>>,
    /// The members of its kind.
    pub data: Map<String, Value>,
}

impl From<SealedEvent> for WebhookEvent {
    fn from(sealed: SealedEvent) -> Self {
        let EventRow { id, at, kind, key_id, owner, config_id, actor, request_id, data, personal: _, personal_hash: _ } =
            sealed.row;
        Self {
            position: sealed.position,
            id: id.into(),
            kind: kind.into(),
            at,
            key_id: key_id.and_then(|id| KeyId::parse(id).ok()),
            owner: owner.and_then(|id| OwnerId::parse(id).ok()),
            config_id: config_id.and_then(|id| ConfigId::parse(id).ok()),
            actor: actor.into(),
            request_id: request_id.map(Into::into),
            // Keymint wrote it; what somebody else put there is not sent.
            data: serde_json::from_str(&data).unwrap_or_default(),
        }
    }
}

impl WebhookEvent {
    /// Returns the body of a delivery, which is the same in every attempt.
    pub fn body(&self) -> String {
        let mut data = Map::new();
        let mut add = |name: &str, text: Option<&str>| {
            data.extend(text.map(|text| (name.to_owned(), json!(text))));
        };
        add("keyId", self.key_id.as_ref().map(KeyId::as_str));
        add("ownerId", self.owner.as_ref().map(OwnerId::as_str));
        add("configId", self.config_id.as_ref().map(ConfigId::as_str));
        add("actor", Some(&self.actor));
        add("requestId", self.request_id.as_deref());
        data.insert("details".to_owned(), Value::Object(self.data.clone()));
        json!({ "id": self.id, "type": self.kind, "timestamp": self.at.to_string(), "data": data }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_members_of_standard_webhooks_and_leaves_out_what_is_absent() {
        let event = WebhookEvent {
            position: 7,
            id: "e1".into(),
            kind: "keymint.key.created".into(),
            at: Timestamp::from_millis(1_700_000_000_000),
            key_id: Some(KeyId::parse("k1").unwrap()),
            owner: None,
            config_id: Some(ConfigId::default_id()),
            actor: "cli:root".into(),
            request_id: None,
            data: Map::from_iter([("name".to_owned(), json!("\"é\u{1}"))]),
        };
        let expected = concat!(
            r#"{"id":"e1","type":"keymint.key.created","timestamp":"2023-11-14T22:13:20.000Z","data":"#,
            r#"{"keyId":"k1","configId":"default","actor":"cli:root","details":{"name":"\"é\u0001"}}}"#,
        );
        assert_eq!(event.body(), expected);
    }
}
