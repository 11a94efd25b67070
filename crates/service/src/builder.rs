use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::Policy;
use keymint_domain::key::{Peppers, PlainKey};
use keymint_ports::{
    Clock, Entropy, IdentityStore, KeyStore, Meter, OrganizationStore, Placement, SurveyStore, Unmetered,
};

use crate::deferral::Deferral;
use crate::exhausted::ExhaustedCandidates;
use crate::foreign::ForeignKeys;
use crate::group_commit::{GroupCommit, GroupCommitOptions};
use crate::idempotency::Idempotency;
use crate::readiness::Readiness;
use crate::system::millis;
use crate::usage::Usage;
use crate::{Access, Keys, OsEntropy, Recorder, SystemClock};

/// Generates the text of a new key in place of Keymint's own generator. It must never return a text twice.
pub(crate) type KeyGenerator = dyn Fn(KeyRequest<'_>) -> String + Send + Sync;
/// Checks a presented key before any lookup. `false` refuses the key.
pub(crate) type Precheck = dyn Fn(&PlainKey) -> bool + Send + Sync;

/// A request for the text of a new key.
#[derive(Debug, Clone, Copy)]
pub struct KeyRequest<'a> {
    /// The prefix that the text should have.
    pub prefix: Option<&'a str>,
    /// The number of random bytes that the configuration asks for.
    pub random_bytes: usize,
}

/// Builds [`Keys`]. Everything but the store has a default.
pub struct KeysBuilder {
    store: Arc<dyn KeyStore>,
    users: Option<Arc<dyn IdentityStore>>,
    organizations: Option<Arc<dyn OrganizationStore>>,
    survey: Option<Arc<dyn SurveyStore>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    meter: Arc<dyn Meter>,
    policy: Policy,
    access: Access,
    group_commit: GroupCommitOptions,
    placement: Placement,
    flush_interval: Duration,
    idempotency_window: Duration,
    recorder: Recorder,
    notices_within: Option<Duration>,
    generator: Option<Box<KeyGenerator>>,
    precheck: Option<Box<Precheck>>,
    usage: Option<Arc<Usage>>,
    peppers: Peppers,
    slow_hashes_at_once: NonZeroUsize,
}

impl KeysBuilder {
    /// The default of [`KeysBuilder::flush_interval`].
    pub const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

    pub(crate) fn new(store: Arc<dyn KeyStore>) -> Self {
        Self {
            store,
            users: None,
            organizations: None,
            survey: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            meter: Arc::new(Unmetered),
            policy: Policy::default(),
            access: Access::default(),
            group_commit: GroupCommitOptions::default(),
            placement: Placement::default(),
            flush_interval: Self::FLUSH_INTERVAL,
            idempotency_window: Duration::ZERO,
            recorder: Recorder::default(),
            notices_within: None,
            generator: None,
            precheck: None,
            usage: None,
            peppers: Peppers::default(),
            slow_hashes_at_once: NonZeroUsize::MIN,
        }
    }

    /// Sets the store in which keys' owners are looked up, for [`Keys::validate`] and [`Keys::open_session`].
    ///
    /// By default there is none: `validate` then returns no user, and `open_session` opens no session.
    #[must_use]
    pub fn users(self, users: Arc<dyn IdentityStore>) -> Self {
        Self { users: Some(users), ..self }
    }

    /// Sets the store in which members are looked up.
    ///
    /// By default there is none: users who ask for an organization's keys are then refused with
    /// `ORGANIZATION_PLUGIN_REQUIRED`.
    #[must_use]
    pub fn organizations(self, organizations: Arc<dyn OrganizationStore>) -> Self {
        Self { organizations: Some(organizations), ..self }
    }

    /// Sets the store that reads keys together with their uses, for [`Keys::examine`]; by default none.
    #[must_use]
    pub fn survey(self, survey: Arc<dyn SurveyStore>) -> Self {
        Self { survey: Some(survey), ..self }
    }

    /// Sets the policy; by default Better Auth's defaults.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Sets the callers that may verify; by default servers and gateways.
    #[must_use]
    pub fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Sets the source of the time; by default the system.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Sets the source of randomness; by default the system.
    #[must_use]
    pub fn entropy(self, entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, ..self }
    }

    /// Sets the meter that counts events; by default none.
    #[must_use]
    pub fn meter(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter, ..self }
    }

    /// Settles verifications of keys in the shards of a store. By default they are in one.
    #[must_use]
    pub fn placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// Sets the limits by which verifications are grouped.
    #[must_use]
    pub fn group_commit(self, group_commit: GroupCommitOptions) -> Self {
        Self { group_commit, ..self }
    }

    /// Sets the interval at which deferred usage is written, which is also the lifetime of a cached key, if a
    /// configuration has `defer_usage`.
    ///
    /// It is one second by default, and at least one millisecond.
    #[must_use]
    pub fn flush_interval(self, flush_interval: Duration) -> Self {
        Self { flush_interval, ..self }
    }

    /// Sets the time for which [`Keys::verify_once`] remembers that a use was paid; by default zero, which disables it.
    #[must_use]
    pub fn idempotency_window(self, idempotency_window: Duration) -> Self {
        Self { idempotency_window, ..self }
    }

    /// Sets whether changes are recorded as events; by default they are not.
    #[must_use]
    pub fn recorder(self, recorder: Recorder) -> Self {
        Self { recorder, ..self }
    }

    /// Lets the removal of an expired key make the notice of its expiry, if [`Watch`](crate::Watch) has not made it; by
    /// default it makes none.
    ///
    /// Neither makes a notice that became due longer than `within` ago. If that is the time for which events are kept,
    /// no notice is made again after its event was removed.
    #[must_use]
    pub fn notices(self, within: Duration) -> Self {
        Self { notices_within: Some(within), ..self }
    }

    /// Sets the statistics that uses are counted in; by default none.
    #[must_use]
    pub fn usage(self, usage: Arc<Usage>) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Sets the peppers of keys that were imported with an HMAC; by default none.
    #[must_use]
    pub fn peppers(self, peppers: Peppers) -> Self {
        Self { peppers, ..self }
    }

    /// Sets the number of slow hashes of imported keys that are computed at the same time, each on a thread that then rests
    /// as long; by default one.
    #[must_use]
    pub fn slow_hashes_at_once(self, slow_hashes_at_once: NonZeroUsize) -> Self {
        Self { slow_hashes_at_once, ..self }
    }

    /// Sets the generator of new keys' texts, in place of Keymint's own. It must never return a text twice.
    #[must_use]
    pub fn key_generator(self, generator: impl Fn(KeyRequest<'_>) -> String + Send + Sync + 'static) -> Self {
        Self { generator: Some(Box::new(generator)), ..self }
    }

    /// Sets a check of every presented key before any lookup.
    ///
    /// A key for which it returns false is answered with `INVALID_API_KEY` without a call of the store.
    #[must_use]
    pub fn precheck(self, precheck: impl Fn(&PlainKey) -> bool + Send + Sync + 'static) -> Self {
        Self { precheck: Some(Box::new(precheck)), ..self }
    }

    /// Starts the service.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime with its timer, which runs the group commit and the flushes.
    pub fn build(self) -> Keys {
        let policy = Arc::new(self.policy.recording_events(self.recorder.is_on()));
        let ledger = self.usage.as_ref().and_then(|usage| usage.ledger());
        let verifier = GroupCommit::start(
            &self.store,
            &self.clock,
            &self.meter,
            &policy,
            ledger.as_ref(),
            self.placement,
            self.group_commit,
        );
        let verifier = Arc::new(verifier);
        let defers = policy.configurations().iter().any(|configuration| configuration.defer_usage);
        let deferral =
            defers.then(|| Deferral::start(&verifier, &self.clock, &policy, ledger.as_ref(), self.flush_interval));
        let foreign = ForeignKeys::new(
            &self.store,
            &self.clock,
            &policy,
            ledger.as_ref(),
            self.peppers,
            self.slow_hashes_at_once,
        );
        let window_ms = millis(self.idempotency_window);
        let idempotency = (window_ms > 0).then(|| Idempotency::new(Arc::clone(&self.clock), window_ms));
        Keys {
            store: self.store,
            users: self.users,
            organizations: self.organizations,
            survey: self.survey,
            clock: self.clock,
            entropy: self.entropy,
            meter: self.meter,
            policy,
            access: self.access,
            verifier,
            deferral: deferral.map(Arc::new),
            foreign: Arc::new(foreign),
            idempotency,
            recorder: self.recorder,
            notices_within: self.notices_within,
            generator: self.generator,
            precheck: self.precheck,
            readiness: Readiness::default(),
            exhausted_candidates: ExhaustedCandidates::default(),
            usage: self.usage,
            usage_ledger: ledger,
        }
    }
}

impl fmt::Debug for KeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysBuilder")
            .field("policy", &self.policy)
            .field("access", &self.access)
            .field("group_commit", &self.group_commit)
            .finish_non_exhaustive()
    }
}
