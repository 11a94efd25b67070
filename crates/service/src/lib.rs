//! Keymint's use cases, for applications that embed it and for its own server.
//!
//! [`Keys`] creates, verifies and manages API keys over any [`KeyStore`](keymint_ports::KeyStore). A [`Caller`] makes
//! each request; the domain's [`Policy`](keymint_domain::Policy) says what is allowed. Verifications are committed in
//! groups: the next batch fills while one is written, so that all who wait share the cost of a durable write, and no
//! request waits for a timer.
//!
//! An application names this crate and a store: [`domain`] and [`ports`] are the crates that its signatures are made of.
//!
//! ```
//! use std::sync::Arc;
//! use keymint_service::domain::OwnerId;
//! use keymint_service::domain::key::NewKey;
//! use keymint_service::{Caller, CreateKey, Keys, VerifyKey};
//! use keymint_store_memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keys::builder(Arc::new(MemoryStore::default())).build();
//! let ada = OwnerId::parse("ada")?;
//! let minted = keys.create(&Caller::Server, CreateKey::of(ada, NewKey::default())).await?;
//!
//! let verdict = keys.verify(&Caller::Server, VerifyKey::of(minted.plain)).await?;
//! assert!(verdict.accepted().is_some());
//! # Ok(())
//! # }
//! ```

#![deny(clippy::future_not_send)]

mod audit;
mod builder;
mod caller;
mod cleanup;
mod copy;
mod counting;
mod deferral;
mod error;
mod exhausted;
mod foreign;
mod group_commit;
mod idempotency;
mod identity;
mod keys;
mod leaks;
mod organizations;
mod pace;
mod portal;
mod readiness;
mod recorder;
mod server_keys;
mod steady_clock;
mod surroundings;
mod system;
mod throttle;
mod turns;
mod usage;
mod watch;
mod webhooks;

pub use keymint_domain as domain;
pub use keymint_ports as ports;

pub use audit::{Audit, AuditCheck, AuditPage, Compared, Export, MAX_BREAKS, Portion, Sealer};
pub use builder::{KeyRequest, KeysBuilder};
pub use caller::{Access, Caller, Deed};
pub use cleanup::{Cleanup, CleanupOptions};
pub use copy::{MoveError, MoveProgress, Moved, move_database};
pub use counting::OwnedKeys;
pub use error::ServiceError;
pub use group_commit::GroupCommitOptions;
pub use identity::{ErasedUser, FoundSession, Identity, IdentityOptions, RemovedOperator, SignIn, SignedIn};
pub use keys::{
    CannotImport, ChangeKeys, ChangeOfKeys, ChangeRotation, ChangedKeys, CreateKey, ExamineKeys, ExportKeys,
    ExportedKeys, FoundText, HealthReport, KeyHolder, KeyOptions, Keys, LeakOutcomes, ListDeleted, ListKeys,
    OwnOrganization, ReadUsage, Revoked, RotateKey, TryKey, UpdateKey, UsageReport, Validated, VerifyKey, Whose,
};
pub use leaks::{GithubReports, HolderReports, HolderReportsOptions, NotFromGithub, ReportRefused};
pub use organizations::{OrganizationError, Organizations};
pub use portal::{OpenedPortal, Portal};
pub use recorder::{Context, Recorder, Source};
pub use server_keys::{MadeServerKey, ServerKeys};
pub use system::{OsEntropy, SystemClock, stopwatch};
pub use throttle::{Throttle, ThrottleOptions};
pub use turns::{Turn, Turns};
pub use usage::{Usage, UsageOptions, UsageUpkeep};
pub use watch::Watch;
pub use webhooks::{
    Dispatcher, MadeWebhook, NewWebhook, TestedWebhook, WebhookError, WebhookOptions, WebhookPorts, Webhooks,
};
