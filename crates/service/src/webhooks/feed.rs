//! Sealed events, as webhooks read them.

use keymint_domain::Timestamp;
use keymint_domain::event::EventQuery;
use keymint_domain::listing::Direction;
use keymint_domain::webhook::WebhookEvent;
use keymint_ports::{EventStore, StoreError};

/// Returns the first `limit` events behind a position.
pub(super) async fn after(events: &dyn EventStore, position: u64, limit: u32) -> Result<Vec<WebhookEvent>, StoreError> {
    let found = events.list_events(&EventQuery::behind(position, limit)).await?;
    Ok(found.into_iter().map(WebhookEvent::from).collect())
}

/// Returns the position of the last event.
pub(super) async fn head(events: &dyn EventStore) -> Result<u64, StoreError> {
    Ok(events.chain().await?.head.position)
}

/// Returns the position before the first event that happened at an instant or later.
pub(super) async fn position_before(events: &dyn EventStore, at: Timestamp) -> Result<u64, StoreError> {
    // The end of the range is not in it, and nothing happens at the end of time.
    let query = EventQuery { time: Some(at..Timestamp::MAX), direction: Direction::Ascending, ..EventQuery::latest(1) };
    match events.list_events(&query).await?.first() {
        Some(first) => Ok(first.position - 1),
        None => head(events).await,
    }
}
