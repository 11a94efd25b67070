use async_trait::async_trait;
use keymint_domain::Timestamp;
use keymint_domain::event::seal::{ChainEnd, Seal, SealKey};
use keymint_domain::event::{Event, EventQuery, Lateness, SealedEvent};

use crate::StoreError;

/// Both ends of the chain of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The place up to which old events were removed.
    pub start: ChainEnd,
    /// The signature of that place; `None` = nothing was removed.
    pub start_signature: Option<Seal>,
    /// The place behind the event that was sealed last.
    pub head: ChainEnd,
    /// The disorder of the sealed events in time.
    pub lateness: Lateness,
}

impl Default for Chain {
    /// Returns the chain without events.
    fn default() -> Self {
        let (start, head) = (ChainEnd::START, ChainEnd::START);
        Self { start, start_signature: None, head, lateness: Lateness::default() }
    }
}

/// Stores events. Those of changes are written by the methods that make the changes.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore): atomic, durable, visible to every handle and process, bounded in time, values
/// exact, no panic.
///
/// An event has no position until [`EventStore::seal`] gives it one. A reader that has read all events up to a position
/// misses none: no event gets a smaller position later.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and [`StoreError::Corrupt`] for a row that
/// cannot be read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Adds an event that belongs to no other change. Returns false if an event with its id exists.
    async fn record(&self, event: &Event) -> Result<bool, StoreError>;

    /// Gives at most `limit` committed events their positions and seals, in the order in which their keys were changed.
    /// Returns their number.
    ///
    /// Concurrent calls of several processes give each event one position, and leave no gap.
    async fn seal(&self, key: &SealKey, limit: u32) -> Result<u32, StoreError>;

    /// Lists sealed events.
    async fn list_events(&self, query: &EventQuery) -> Result<Vec<SealedEvent>, StoreError>;

    /// Returns both ends of the chain.
    async fn chain(&self) -> Result<Chain, StoreError>;

    /// Removes at most `limit` sealed events from the start of the chain, up to the first that is not older than
    /// `before` or whose position is greater than `up_to`. Returns their number.
    async fn remove_events(&self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> Result<u32, StoreError>;
}
