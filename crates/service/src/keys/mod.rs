//! The use cases of keys, one a file.

mod bulk;
mod create;
mod delete;
mod dry_run;
mod export;
mod find;
mod get;
mod health;
mod import;
mod leaks;
mod list;
mod options;
mod organizations;
mod restore;
mod revoke;
mod rotate;
mod session;
mod update;
mod usage;
mod validate;
mod verify;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::event::{Actor, Origin};
use keymint_domain::key::StoredKey;
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{Clock, Entropy, IdentityStore, KeyStore, Meter, OrganizationStore, SurveyStore};

use crate::builder::{KeyGenerator, Precheck};
use crate::deferral::Deferral;
use crate::exhausted::ExhaustedCandidates;
use crate::foreign::ForeignKeys;
use crate::group_commit::GroupCommit;
use crate::idempotency::Idempotency;
use crate::readiness::Readiness;
use crate::system::millis;
use crate::usage::{Usage, UsageLedger};
use crate::{Access, Context, KeysBuilder, Recorder, ServiceError, Source};

pub use bulk::{ChangeKeys, ChangeOfKeys, ChangedKeys};
pub use create::CreateKey;
pub use dry_run::TryKey;
pub use export::{ExportKeys, ExportedKeys};
pub use health::{ExamineKeys, HealthReport};
pub use import::CannotImport;
pub use leaks::{FoundText, LeakOutcomes};
pub use list::{ListKeys, Whose};
pub use options::KeyOptions;
pub use organizations::OwnOrganization;
pub use restore::ListDeleted;
pub use revoke::Revoked;
pub use rotate::{ChangeRotation, RotateKey};
pub use session::KeyHolder;
pub use update::UpdateKey;
pub use usage::{ReadUsage, UsageReport};
pub use validate::Validated;
pub use verify::VerifyKey;

/// Creates, verifies and manages API keys.
pub struct Keys {
    pub(crate) store: Arc<dyn KeyStore>,
    pub(crate) users: Option<Arc<dyn IdentityStore>>,
    pub(crate) organizations: Option<Arc<dyn OrganizationStore>>,
    pub(crate) survey: Option<Arc<dyn SurveyStore>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) access: Access,
    pub(crate) verifier: Arc<GroupCommit>,
    /// Judges keys on cached copies; `None` = no configuration defers usage.
    pub(crate) deferral: Option<Arc<Deferral>>,
    /// Recognizes keys by the hashes that other systems made of them.
    pub(crate) foreign: Arc<ForeignKeys>,
    /// Remembers the uses that must not be paid twice; `None` = the idempotency window is zero.
    pub(crate) idempotency: Option<Idempotency>,
    /// Records changes as events, if it is on.
    pub(crate) recorder: Recorder,
    /// The age up to which notices are made; `None` = those of removed keys are not.
    pub(crate) notices_within: Option<Duration>,
    pub(crate) generator: Option<Box<KeyGenerator>>,
    pub(crate) precheck: Option<Box<Precheck>>,
    pub(crate) readiness: Readiness,
    pub(crate) exhausted_candidates: ExhaustedCandidates,
    /// The statistics of uses; `None` = there are none.
    pub(crate) usage: Option<Arc<Usage>>,
    /// Counts uses; `None` = nothing is counted.
    pub(crate) usage_ledger: Option<Arc<UsageLedger>>,
}

impl Keys {
    /// Returns a builder of the service over `store`.
    pub fn builder(store: Arc<dyn KeyStore>) -> KeysBuilder {
        KeysBuilder::new(store)
    }

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the current instant, by the clock that keys are judged by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Checks that verifications succeed.
    ///
    /// They do if one was accepted, and so written, within the last two seconds. Otherwise the store is probed, by a
    /// write that changes nothing, at most once a second; it has one second to answer.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] or [`ServiceError::Store`] if a verification would fail now.
    pub async fn ready(&self) -> Result<(), ServiceError> {
        self.readiness.of(self).await
    }

    /// Writes all deferred usage. Call it before the service is dropped, which would lose the usage since the last
    /// flush interval.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if the queue is full, and [`ServiceError::Store`] if the store fails. Usage
    /// that could not be written is kept.
    pub async fn flush(&self) -> Result<(), ServiceError> {
        match &self.deferral {
            Some(deferral) => deferral.flush().await,
            None => Ok(()),
        }
    }

    /// Returns the origin of a change at `now`.
    fn origin(&self, context: &Context<'_>, now: Timestamp) -> Origin {
        self.recorder.origin(context.actor(), &context.source, now, &*self.entropy)
    }

    /// Returns the origin of a change that no request asked for.
    pub(crate) fn own_origin(&self, actor: Actor, now: Timestamp) -> Origin {
        self.recorder.origin(actor, &Source::default(), now, &*self.entropy)
    }

    /// Lets an origin make the notices of the expired keys that it removes, if notices are made.
    pub(crate) fn announcing(&self, origin: Origin) -> Origin {
        match self.notices_within {
            Some(within) => origin.announcing(millis(within)),
            None => origin,
        }
    }

    /// Makes the next use of a changed key, by any of its secrets, read it again.
    pub(crate) async fn forget(&self, secrets: impl IntoIterator<Item = &StoredKey>) {
        let Some(deferral) = &self.deferral else { return };
        for stored in secrets {
            deferral.forget(stored).await;
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("policy", &self.policy)
            .field("verifier", &self.verifier)
            .field("deferral", &self.deferral)
            .finish_non_exhaustive()
    }
}
