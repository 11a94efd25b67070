//! A service over the memory store, with a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use keymint_domain::identity::{Client, Email, Password, SignUp, User};
use keymint_domain::key::{Minted, NewKey};
use keymint_domain::verify::{Ban, Owner, Verdict};
use keymint_domain::{ConfigId, ErrorCode, OwnerId, Policy, Timestamp, UserId};
use keymint_ports::{Clock, Credential, FakeClock, IdentityStore as _, Meter, SeededEntropy, Unmetered};
use keymint_service::{
    Caller, ChangeKeys, ChangeOfKeys, CreateKey, Identity, Keys, KeysBuilder, Recorder, ServiceError, SignedIn, Source,
    Usage, UsageOptions, VerifyKey,
};
use keymint_store_memory::MemoryStore;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) struct Fixture {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) store: MemoryStore,
    pub(crate) keys: Arc<Keys>,
    pub(crate) identity: Identity,
}

impl Fixture {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::with(policy, |builder| builder)
    }

    pub(crate) fn with(policy: Policy, finish: impl FnOnce(KeysBuilder) -> KeysBuilder) -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let store = MemoryStore::default();
        let entropy = Arc::new(SeededEntropy::new(7));
        let shared = Arc::new(store.clone());
        let builder = Keys::builder(Arc::clone(&shared) as _)
            .users(Arc::clone(&shared) as _)
            .organizations(Arc::clone(&shared) as _)
            .policy(policy)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .entropy(Arc::clone(&entropy) as _);
        let identity = Identity::new(shared).with_clock(Arc::clone(&clock) as _).with_entropy(entropy);
        Self { clock, store, keys: Arc::new(finish(builder).build()), identity }
    }

    /// A service that also keeps statistics of uses, in the same store.
    pub(crate) fn with_survey(policy: Policy, options: UsageOptions) -> Self {
        Self::with_survey_and_meter(policy, options, Arc::new(Unmetered))
    }

    /// A service that makes notices within so much time, and records changes.
    pub(crate) fn with_notices(policy: Policy, options: UsageOptions, within: Duration) -> Self {
        let finish = |builder: KeysBuilder| builder.recorder(Recorder::on()).notices(within);
        Self::with_survey_and(policy, options, Arc::new(Unmetered), finish)
    }

    pub(crate) fn with_survey_and_meter(policy: Policy, options: UsageOptions, meter: Arc<dyn Meter>) -> Self {
        Self::with_survey_and(policy, options, meter, |builder| builder)
    }

    fn with_survey_and(
        policy: Policy,
        options: UsageOptions,
        meter: Arc<dyn Meter>,
        finish: impl FnOnce(KeysBuilder) -> KeysBuilder,
    ) -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let store = MemoryStore::default();
        let shared = Arc::new(store.clone());
        let (as_clock, entropy) = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SeededEntropy::new(7)));
        let usage =
            Usage::start(Arc::clone(&shared) as _, Arc::clone(&as_clock), &*entropy, Arc::new(Unmetered), options);
        let keys = Keys::builder(Arc::clone(&shared) as _)
            .policy(policy)
            .clock(Arc::clone(&as_clock))
            .entropy(Arc::clone(&entropy) as _)
            .meter(meter)
            .usage(Arc::new(usage))
            .survey(Arc::clone(&shared) as _);
        let keys = finish(keys).build();
        let identity = Identity::new(shared).with_clock(as_clock).with_entropy(entropy);
        Self { clock, store, keys: Arc::new(keys), identity }
    }

    /// Signs a user up with the password `password`.
    pub(crate) async fn sign_up(&self, name: &str) -> SignedIn {
        let sign_up = sign_up(name, "password");
        self.identity.sign_up(sign_up, Client::default(), true, &Source::default()).await.unwrap()
    }

    /// Finds the stored credential of a user who signed up.
    pub(crate) async fn find_credential(&self, user: &User) -> Credential {
        let email = Email::parse(&user.email).unwrap();
        self.store.find_credential(&email).await.unwrap().unwrap()
    }

    /// Bans a user, as Better Auth's admin plugin does.
    pub(crate) fn ban(&self, user: &User) {
        self.store.put_owner(OwnerId::from(&user.id), Owner::Banned(Ban::default()));
    }

    pub(crate) async fn create(&self, new: NewKey) -> Minted {
        self.keys.create(&Caller::Server, CreateKey::of(owner("ada"), new)).await.unwrap()
    }

    pub(crate) async fn verify(&self, minted: &Minted) -> Verdict {
        self.keys.verify(&Caller::Server, VerifyKey::of(minted.plain.clone())).await.unwrap()
    }
}

pub(crate) fn owner(id: &str) -> OwnerId {
    OwnerId::parse(id).unwrap()
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(crate) fn sign_up(name: &str, password: &str) -> SignUp {
    let email = Email::parse(&format!("{name}@example.com")).unwrap();
    SignUp { name: name.to_owned(), email, password: Password::new(password), image: None }
}

/// Returns a request that names no owner of the key.
pub(crate) fn unowned(config_id: Option<ConfigId>, new: NewKey) -> CreateKey {
    CreateKey { config_id, owner: None, organization: None, new }
}

/// Revokes all keys of an owner, in one request.
pub(crate) fn revocation_of(id: &str) -> ChangeKeys {
    ChangeKeys {
        owner: Some(owner(id)),
        config_id: None,
        change: ChangeOfKeys::Revoke,
        dry_run: false,
        after: None,
        within: None,
    }
}

pub(crate) fn code_of(verdict: &Verdict) -> Option<ErrorCode> {
    verdict.refused().map(|refusal| refusal.code)
}

#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> ErrorCode {
    match result {
        Err(ServiceError::Refused(code)) => code,
        other => panic!("expected a refusal, found {other:?}"),
    }
}
