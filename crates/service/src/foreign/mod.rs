//! Keys that other systems made, and that are recognized by the hashes that those made of their texts.
//!
//! An attempt comes here after no row was found under its key's text. If the database has foreign hashes, one indexed
//! lookup finds the keys that the text may be of. Slow hashes are computed beside everything else: off the async threads,
//! outside of any transaction, a few at the same time, and only so many a minute for each key. A key whose text is proven
//! is then hashed anew, and the attempt is settled again, as any other.

mod slow;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keymint_domain::key::{
    ForeignGroup, ForeignLookup, ForeignMatch, MAX_ALIKE, PepperName, Peppers, PlainKey, SlowHash, StoredKey,
};
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

/// A reported text that no row was found under, and the forms in which a row may have it.
pub(crate) struct Reported<'r> {
    pub(crate) key: &'r PlainKey,
    pub(crate) forms: Vec<StoredKey>,
}

/// The meaning of a reported text.
pub(crate) enum Adoption {
    /// It is of no key that has a foreign hash.
    Unknown,
    /// Its key is stored under the text by now.
    Stored,
    /// It is not known: too many slow hashes were computed.
    Unchecked,
    /// A row that may be its key's cannot be read.
    Unreadable(StoreError),
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

/// The keys that a text may be of.
enum Sifted {
    /// One is stored under the text by now.
    Stored,
    /// It is of this one, by its foreign hash.
    ByHash(ApiKey),
    /// It may be of one of these, whose slow hashes say so.
    Slow(Vec<(ApiKey, SlowHash)>),
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

    /// Returns the groups of foreign hashes that the database has. Read them before texts are looked up under their own
    /// forms: a key that is hashed anew meanwhile is then found by one of both.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub(crate) async fn known_groups(&self) -> Result<Arc<[ForeignGroup]>, ServiceError> {
        Ok(self.groups(self.reads()).await?.0)
    }

    /// Stores the keys of reported texts under the texts, as their first use would, so that a report finds them. Returns
    /// the meanings of the texts, in their order.
    ///
    /// One statement finds the keys of all texts. Slow hashes are computed for at most `most_slow` texts, one after the
    /// other, and only so many a minute for each key.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub(crate) async fn adopt(
        &self,
        groups: &[ForeignGroup],
        texts: &[Reported<'_>],
        most_slow: usize,
    ) -> Result<Vec<Adoption>, ServiceError> {
        let lookups: Vec<Vec<ForeignLookup>> = texts
            .iter()
            .map(|text| groups.iter().filter_map(|group| group.lookup(text.key, &self.peppers)).collect())
            .collect();
        let of_all: Vec<_> = lookups.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        if of_all.is_empty() {
            return Ok(texts.iter().map(|_| Adoption::Unknown).collect());
        }
        let forms: Vec<_> = texts.iter().flat_map(|text| text.forms.iter().cloned()).collect();
        let found = match self.store.find_foreign(&of_all, &forms).await {
            Ok(found) => Some(found),
            // One row cannot be read. It must not hide the others.
            Err(StoreError::Corrupt { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut candidates: HashMap<ForeignLookup, Vec<ApiKey>> = HashMap::new();
        let mut stored = HashSet::new();
        for key in found.iter().flatten() {
            stored.insert(key.details.stored.clone());
            if let Some(lookup) = key.details.foreign_lookup() {
                candidates.entry(lookup).or_default().push(key.clone());
            }
        }
        let (mut adoptions, mut slow_left) = (Vec::with_capacity(texts.len()), most_slow);
        for (Reported { key, forms }, lookups) in texts.iter().zip(&lookups) {
            let of_text = if found.is_some() {
                if forms.iter().any(|form| stored.contains(form)) {
                    adoptions.push(Adoption::Stored);
                    continue;
                }
                Ok(lookups.iter().filter_map(|lookup| candidates.get(lookup)).flatten().cloned().collect())
            } else {
                self.store.find_foreign(lookups, forms).await
            };
            adoptions.push(match of_text {
                Ok(of_text) => self.adopt_one(key, forms, of_text, &mut slow_left).await?,
                Err(error @ StoreError::Corrupt { .. }) => Adoption::Unreadable(error),
                Err(error) => return Err(error.into()),
            });
        }
        Ok(adoptions)
    }

    async fn adopt_one(
        &self,
        key: &PlainKey,
        forms: &[StoredKey],
        candidates: Vec<ApiKey>,
        slow_left: &mut usize,
    ) -> Result<Adoption, ServiceError> {
        let found = match self.sift(key, forms, candidates) {
            Sifted::Stored => return Ok(Adoption::Stored),
            Sifted::ByHash(found) => found,
            Sifted::Slow(slow) if slow.is_empty() => return Ok(Adoption::Unknown),
            Sifted::Slow(_) if *slow_left == 0 => return Ok(Adoption::Unchecked),
            Sifted::Slow(slow) => {
                *slow_left -= 1;
                match self.hasher.find(key, slow).await {
                    Ok(Some(found)) => found,
                    Ok(None) => return Ok(Adoption::Unknown),
                    Err(ServiceError::Overloaded) => return Ok(Adoption::Unchecked),
                    Err(error) => return Err(error),
                }
            }
        };
        self.store.rehash(&found, &self.stored(key, &found)).await?;
        Ok(Adoption::Stored)
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
        Ok(match self.sift(key, &forms, found) {
            Sifted::Stored => Recognized::Stored,
            Sifted::ByHash(found) => Recognized::ByHash(found),
            Sifted::Slow(slow) => self.hasher.find(key, slow).await?.map_or(Recognized::Unknown, Recognized::ByHash),
        })
    }

    /// Looks for the key of a text among those that were found for it, without computing a slow hash.
    fn sift(&self, key: &PlainKey, forms: &[StoredKey], found: Vec<ApiKey>) -> Sifted {
        if found.iter().any(|found| forms.contains(&found.details.stored)) {
            return Sifted::Stored;
        }
        let mut slow = Vec::new();
        for found in found {
            match found.details.foreign.as_ref().map(|hash| hash.check(key, &self.peppers)) {
                Some(ForeignMatch::Yes) => return Sifted::ByHash(found),
                Some(ForeignMatch::Slow(hash)) => {
                    let hash = hash.clone();
                    slow.push((found, hash));
                }
                Some(ForeignMatch::No) | None => {}
            }
        }
        // More of them are no import's work.
        slow.truncate(MAX_ALIKE);
        Sifted::Slow(slow)
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
