//! Keys that other systems made, and that are recognized by the hashes that those made of their texts.
//!
//! An attempt comes here after no row was found under its key's text. If the database has foreign hashes, one indexed
//! lookup finds the keys that the text may be of. Slow hashes are computed beside everything else: off the async threads,
//! outside of any transaction, a few at the same time, and only so many a minute for each key. A key whose text is proven
//! is then hashed anew, and the attempt is settled again, as any other.

mod slow;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keymint_domain::key::{ForeignGroup, ForeignMatch, MAX_ALIKE, PepperName, Peppers, PlainKey, StoredKey};
use keymint_domain::verify::{Attempt, Cost, DryRun, Refusal, Verdict};
use keymint_domain::{ApiKey, ErrorCode, Policy, Timestamp};
use keymint_ports::{Clock, KeyStore, StoreError};
use tokio::sync::Mutex;

use self::slow::SlowHasher;
use crate::group_commit::{GroupCommit, Settled};
use crate::usage::UsageLedger;
use crate::{ServiceError, stopwatch};

/// The milliseconds for which it is remembered which groups of foreign hashes the database has. An import of another
/// process is noticed after them.
const PERIOD_MS: u64 = 1000;

/// The number of times that an attempt is settled again. Another server may hash its key anew at any moment, once.
const ROUNDS: usize = 3;

/// Recognizes keys by their foreign hashes.
pub(crate) struct ForeignKeys {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    policy: Arc<Policy>,
    usage: Option<Arc<UsageLedger>>,
    peppers: Peppers,
    hasher: SlowHasher,
    groups: Mutex<Option<Groups>>,
    /// The number of times that the groups were read.
    reads: AtomicU64,
}

/// The groups that the database had at an instant, or why they could not be read then.
struct Groups {
    at: Timestamp,
    read: Result<Arc<[ForeignGroup]>, StoreError>,
}

/// The key that a presented text is of.
enum Recognized {
    /// Of none.
    Unknown,
    /// Of one that is stored under the text by now.
    Stored,
    /// Of this one, by its foreign hash.
    ByHash(ApiKey),
}

impl ForeignKeys {
    pub(crate) fn new(
        store: &Arc<dyn KeyStore>,
        clock: &Arc<dyn Clock>,
        policy: &Arc<Policy>,
        usage: Option<&Arc<UsageLedger>>,
        peppers: Peppers,
        hashes_at_once: NonZeroUsize,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            policy: Arc::clone(policy),
            usage: usage.cloned(),
            peppers,
            hasher: SlowHasher::new(hashes_at_once),
            groups: Mutex::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// Settles an attempt whose key was not found, after there had been `reads`. Counts it if it is refused for that.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if too many slow hashes are to be computed, and [`ServiceError::Store`] if the
    /// store fails.
    pub(crate) async fn settle(
        &self,
        exact: &GroupCommit,
        key: &PlainKey,
        attempt: Attempt,
        mut reads: u64,
    ) -> Result<Verdict, ServiceError> {
        for _ in 0..ROUNDS {
            let again = match self.recognize(key, &attempt, reads).await? {
                Recognized::Unknown => break,
                Recognized::Stored => attempt.clone(),
                // A look changes nothing.
                Recognized::ByHash(found) if attempt.cost == Cost(0) => attempt.clone().recognized_as(&found.details),
                Recognized::ByHash(found) => {
                    self.store.rehash(&found, &self.stored(key, &found)).await?;
                    attempt.clone()
                }
            };
            reads = self.reads();
            if let Settled::Judged(verdict) = exact.settle(again, stopwatch()).await? {
                return Ok(verdict);
            }
        }
        let refused = Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey));
        if let Some(usage) = &self.usage {
            usage.count(&attempt, &refused, &self.policy, self.clock.now());
        }
        Ok(refused)
    }

    /// Judges an attempt whose key was not found, after there had been `reads`, as [`ForeignKeys::settle`] would. Nothing
    /// is written.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ForeignKeys::settle`].
    pub(crate) async fn dry_run(
        &self,
        key: &PlainKey,
        attempt: Attempt,
        unknown: DryRun,
        reads: u64,
    ) -> Result<DryRun, ServiceError> {
        let attempt = match self.recognize(key, &attempt, reads).await? {
            Recognized::Unknown => return Ok(unknown),
            Recognized::Stored => attempt,
            Recognized::ByHash(found) => attempt.recognized_as(&found.details),
        };
        Ok(self.store.dry_run(&attempt, &self.policy, self.clock.now()).await?)
    }

    /// Returns the number of times that the groups were read. Whoever has it before a key is looked up can tell which
    /// groups are newer than that.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Acquire)
    }

    /// Makes the next unknown key ask the store which groups there are: this process has imported keys.
    pub(crate) async fn forget(&self) {
        *self.groups.lock().await = None;
    }

    /// Returns the peppers that keys in the database need, and that are not known.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub(crate) async fn missing_peppers(&self) -> Result<Vec<PepperName>, ServiceError> {
        let groups = self.store.foreign_groups().await?.into_iter();
        let missing = groups.filter_map(|group| match group {
            ForeignGroup::HmacSha256(name) if self.peppers.find(&name).is_none() => Some(name),
            _ => None,
        });
        Ok(missing.collect())
    }

    /// Returns true if the pepper of this name is known.
    pub(crate) fn knows(&self, name: &PepperName) -> bool {
        self.peppers.find(name).is_some()
    }

    /// Returns the text that a recognized key is stored under from now on.
    fn stored(&self, key: &PlainKey, found: &ApiKey) -> StoredKey {
        let configuration = self.policy.resolve(&found.details.config_id);
        configuration.map_or_else(|_| key.hash(), |configuration| key.stored_under(configuration))
    }

    async fn recognize(&self, key: &PlainKey, attempt: &Attempt, reads: u64) -> Result<Recognized, ServiceError> {
        let (groups, is_newer) = self.groups(reads).await?;
        let lookups: Vec<_> = groups.iter().filter_map(|group| group.lookup(key, &self.peppers)).collect();
        // Groups that were read before the key was looked up have its own, if it has a foreign hash. Later ones may not:
        // it may have been hashed anew in between.
        if lookups.is_empty() && !is_newer {
            return Ok(Recognized::Unknown);
        }
        let forms: Vec<_> = attempt.stored_forms().cloned().collect();
        let found = self.store.find_foreign(&lookups, &forms).await?;
        if found.iter().any(|found| forms.contains(&found.details.stored)) {
            return Ok(Recognized::Stored);
        }
        let mut slow = Vec::new();
        for found in found {
            match found.details.foreign.as_ref().map(|hash| hash.check(key, &self.peppers)) {
                Some(ForeignMatch::Yes) => return Ok(Recognized::ByHash(found)),
                Some(ForeignMatch::Slow(hash)) => {
                    let hash = hash.clone();
                    slow.push((found, hash));
                }
                Some(ForeignMatch::No) | None => {}
            }
        }
        // More of them are no import's work.
        slow.truncate(MAX_ALIKE);
        Ok(self.hasher.find(key, slow).await?.map_or(Recognized::Unknown, Recognized::ByHash))
    }

    /// Returns the groups that the database has, and true if they were read since there had been `reads`.
    async fn groups(&self, reads: u64) -> Result<(Arc<[ForeignGroup]>, bool), ServiceError> {
        let mut known = self.groups.lock().await;
        let now = self.clock.now();
        let groups = match known.take() {
            // A clock may run back.
            Some(groups) if groups.at <= now && now < groups.at.plus_millis(PERIOD_MS) => groups,
            _ => {
                let read = self.store.foreign_groups().await.map(Arc::from);
                self.reads.fetch_add(1, Ordering::AcqRel);
                Groups { at: now, read }
            }
        };
        let read = groups.read.clone();
        *known = Some(groups);
        Ok((read?, self.reads() > reads))
    }
}

impl fmt::Debug for ForeignKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignKeys").field("peppers", &self.peppers).finish_non_exhaustive()
    }
}
