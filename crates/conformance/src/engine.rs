use async_trait::async_trait;
use keymint_domain::OwnerId;
use keymint_domain::verify::Owner;
use keymint_ports::{
    EventStore, IdentityStore, KeyStore, OrganizationStore, ServerKeyStore, SurveyStore, UsageStore, WebhookStore,
};

/// An engine under test, with data of its own that nothing else touches.
///
/// Every case gets a fresh one: a database of its own, migrated and empty.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// All ports in one handle.
    type Store: KeyStore + ServerKeyStore;

    /// Opens another handle on the same data, as another process would: a fresh pool or connection, no shared cache.
    ///
    /// A store that is opened again after all others are dropped is a restart.
    async fn open(&self) -> Self::Store;

    /// Writes a user's row so that the store reports `owner` for it. [`Owner::Absent`] removes the row.
    ///
    /// An existing row keeps everything but its ban. A new one has the id as its address, and no password.
    async fn put_owner(&self, id: &OwnerId, owner: Owner);
}

/// An engine whose store also keeps users and organizations. Every such [`Engine`] is one.
pub trait IdentityEngine: Engine<Store: IdentityStore + OrganizationStore> {}

impl<E: Engine<Store: IdentityStore + OrganizationStore>> IdentityEngine for E {}

/// An engine whose store also keeps events. Every such [`IdentityEngine`] is one.
pub trait EventEngine: SurveyEngine + Engine<Store: IdentityStore + OrganizationStore + EventStore> {}

impl<E: SurveyEngine + Engine<Store: IdentityStore + OrganizationStore + EventStore>> EventEngine for E {}

/// An engine whose store also keeps the statistics of uses. Every such [`Engine`] is one.
pub trait UsageEngine: Engine<Store: UsageStore> {}

impl<E: Engine<Store: UsageStore>> UsageEngine for E {}

/// An engine whose store also surveys keys with their uses. Every such [`Engine`] is one.
pub trait SurveyEngine: UsageEngine + Engine<Store: SurveyStore + UsageStore> {}

impl<E: UsageEngine + Engine<Store: SurveyStore + UsageStore>> SurveyEngine for E {}

/// An engine whose store also keeps webhooks. Every such [`Engine`] is one.
pub trait WebhookEngine: Engine<Store: WebhookStore + EventStore> {}

impl<E: Engine<Store: WebhookStore + EventStore>> WebhookEngine for E {}
