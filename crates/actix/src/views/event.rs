use keymint_domain::UserId;
use keymint_domain::event::SealedEvent;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Iso;

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView<'a> {
    /// The place in the order of all events, from 1, without gaps.
    position: u64,
    /// The id of the event.
    id: &'a str,
    /// The kind of the event, such as `keymint.key.revoked`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The instant of the event.
    time: Iso,
    /// The actor, such as `user:ID` or `server_key:ID`.
    actor: &'a str,
    /// The key.
    #[schema(required)]
    key_id: Option<&'a str>,
    /// The owner of the key, or the user or organization that the event is about.
    #[schema(required)]
    owner_id: Option<&'a str>,
    /// The configuration of the key.
    #[schema(required)]
    config_id: Option<&'a str>,
    /// The id of the request.
    #[schema(required)]
    request_id: Option<&'a str>,
    /// Details, which depend on the kind.
    #[schema(value_type = Object)]
    details: Value,
    /// Names and addresses of persons; null if there are none, or if they were erased.
    #[schema(required, value_type = Option<Object>)]
    personal: Option<Map<String, Value>>,
    /// True if names and addresses were erased.
    erased: bool,
    /// The seal, by which `keymint audit verify` notices changes of the log.
    seal: String,
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventPage)]
pub struct EventPageView<'a> {
    /// The events, the newest first.
    events: Vec<EventView<'a>>,
    /// The `cursor` of the next page; null if this is the last one.
    #[schema(required)]
    next_cursor: Option<&'a str>,
}

impl<'a> EventView<'a> {
    /// Shows an event to a user, or to an operator (`None`), who sees everybody's addresses.
    pub fn new(event: &'a SealedEvent, reader: Option<&UserId>) -> Self {
        let SealedEvent { position, row, seal } = event;
        Self {
            position: *position,
            id: &row.id,
            kind: &row.kind,
            time: Iso(row.at),
            actor: &row.actor,
            key_id: row.key_id.as_deref(),
            owner_id: row.owner.as_deref(),
            config_id: row.config_id.as_deref(),
            request_id: row.request_id.as_deref(),
            details: row.details(),
            personal: row.personal_details(reader),
            erased: row.is_erased(),
            seal: seal.to_string(),
        }
    }
}

impl<'a> EventPageView<'a> {
    /// Shows a page to a user, or to an operator (`None`).
    pub fn new(events: &'a [SealedEvent], next_cursor: Option<&'a str>, reader: Option<&UserId>) -> Self {
        Self { events: events.iter().map(|event| EventView::new(event, reader)).collect(), next_cursor }
    }
}
