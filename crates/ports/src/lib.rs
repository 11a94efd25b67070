//! The interfaces through which Keymint uses the outside world, as traits with written contracts.
//!
//! | port | adapters |
//! |---|---|
//! | [`KeyStore`] | memory, SQLite, Postgres |
//! | [`ServerKeyStore`] | memory, SQLite, Postgres |
//! | [`IdentityStore`] | memory, SQLite, Postgres |
//! | [`OrganizationStore`] | memory, SQLite, Postgres |
//! | [`EventStore`] | memory, SQLite, Postgres |
//! | [`UsageStore`] | memory, SQLite, Postgres |
//! | [`SurveyStore`] | memory, SQLite, Postgres |
//! | [`Clock`] | the system's, a test's |
//! | [`Entropy`] | the system's, a test's |
//! | [`CopyEnd`] | SQLite, Postgres |
//! | [`WebhookStore`] | memory, SQLite, Postgres |
//! | [`WebhookSender`] | HTTP |
//! | [`GithubKeys`] | HTTP |
//! | [`Meter`] | none, Prometheus |
//!
//! The feature `mock` adds a mock of each, such as `MockKeyStore`, for unit tests that inject faults or prove that a
//! call did not happen. For everything else the memory store is the fake, together with `FakeClock` and
//! `SeededEntropy`.

#![deny(clippy::future_not_send)]

mod bulk;
mod clock_and_entropy;
mod connections;
mod copy;
mod counting;
#[doc(hidden)]
pub mod delegate;
mod deleted;
mod durability;
mod error;
mod event_store;
#[cfg(feature = "mock")]
mod fake;
mod github_keys;
mod identity_store;
mod import;
mod key_store;
mod meter;
mod organization_store;
mod placement;
mod server_key_store;
mod survey_store;
mod usage_store;
mod webhook_sender;
mod webhook_store;

pub use bulk::{BulkChange, BulkCursor, BulkPortion, InvalidCursor};
pub use clock_and_entropy::{Clock, Entropy};
pub use connections::Connections;
pub use copy::{CopyColumn, CopyEnd, CopyError, CopyKind, CopyPlan, CopyRow, CopyTable};
pub use counting::{CountCursor, CountedPortion};
pub use deleted::{DeletedKey, DeletedQuery, RestoredKey};
pub use durability::Durability;
pub use error::StoreError;
pub use event_store::{Chain, EventStore};
pub use github_keys::{FETCH_DEADLINE_MS, FetchFailure, FetchedKeys, GithubKey, GithubKeys};
pub use identity_store::{
    BanOutcome, Claimant, Credential, Erased, IdentityStore, ListedUser, NewPassword, SessionsAfter,
};
pub use import::{ImportOutcome, TakenKey, TakenKeys};
pub use key_store::{KeyStore, KeyStub, PageRows, Removed};
pub use meter::{Meter, Unmetered, WebhookLag};
pub use organization_store::{ListedOrganization, OrganizationStore};
pub use placement::{Placement, Shard};
pub use server_key_store::ServerKeyStore;
pub use survey_store::{BusyKey, SurveyPortion, SurveyQuery, SurveyStore, SurveyedKey};
pub use usage_store::UsageStore;
pub use webhook_sender::{SEND_DEADLINE_MS, SendFailure, SignedDelivery, WebhookSender};
pub use webhook_store::{
    DeliveryQuery, WebhookBacklog, WebhookLease, WebhookMove, WebhookPortion, WebhookStanding, WebhookStore,
};

#[cfg(feature = "mock")]
pub use clock_and_entropy::{MockClock, MockEntropy};
#[cfg(feature = "mock")]
pub use event_store::MockEventStore;
#[cfg(feature = "mock")]
pub use fake::{FakeClock, SeededEntropy};
#[cfg(feature = "mock")]
pub use github_keys::MockGithubKeys;
#[cfg(feature = "mock")]
pub use identity_store::MockIdentityStore;
#[cfg(feature = "mock")]
pub use key_store::MockKeyStore;
#[cfg(feature = "mock")]
pub use meter::MockMeter;
#[cfg(feature = "mock")]
pub use organization_store::MockOrganizationStore;
#[cfg(feature = "mock")]
pub use server_key_store::MockServerKeyStore;
#[cfg(feature = "mock")]
pub use survey_store::MockSurveyStore;
#[cfg(feature = "mock")]
pub use usage_store::MockUsageStore;
#[cfg(feature = "mock")]
pub use webhook_sender::MockWebhookSender;
#[cfg(feature = "mock")]
pub use webhook_store::MockWebhookStore;
