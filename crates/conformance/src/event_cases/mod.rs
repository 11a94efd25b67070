//! Cases of events: of changes, of quotas, of the chain that seals them.

#![expect(missing_docs, reason = "a case's name is its sentence")]

pub mod chain;
pub mod changes;
pub mod clean_up;
pub mod keys;
pub mod people;
pub mod quotas;
pub mod reading;
pub mod rotations;

use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Actor, EventQuery, Origin, SealedEvent};
use keymint_domain::key::{EditKey, KeyPatch};
use keymint_domain::listing::Direction;
use keymint_domain::value::KeyName;
use keymint_ports::EventStore;

use crate::sample::{self, NOW};

/// The key that seals the events of all cases.
fn seal_key() -> SealKey {
    SealKey::new([7; 32])
}

/// Returns the origin of a change of its own, by a server.
fn origin(number: u64) -> Origin {
    let mut origin = Origin::new(Actor::Server, NOW, &mut |bytes: &mut [u8]| {
        bytes.fill(0);
        bytes[..8].copy_from_slice(&number.to_be_bytes());
    });
    origin.client = "203.0.113.7".parse().ok();
    origin.request_id = Some(format!("request {number}").into());
    origin
}

/// Returns the change of a key's name.
fn naming(name: &str) -> KeyPatch {
    sample::patch(EditKey { name: KeyName::parse(name).ok(), ..EditKey::default() })
}

/// Seals all events.
async fn seal_all(store: &impl EventStore) {
    while store.seal(&seal_key(), 7).await.unwrap() > 0 {}
}

/// Seals and returns all events, the oldest first.
async fn all_events(store: &impl EventStore) -> Vec<SealedEvent> {
    seal_all(store).await;
    let query = EventQuery { direction: Direction::Ascending, ..EventQuery::latest(10_000) };
    store.list_events(&query).await.unwrap()
}

/// Seals all events, and returns their kinds after `keymint.`, the oldest first.
async fn kinds(store: &impl EventStore) -> Vec<String> {
    let kind = |event: SealedEvent| event.row.kind.strip_prefix("keymint.").unwrap().to_owned();
    all_events(store).await.into_iter().map(kind).collect()
}
