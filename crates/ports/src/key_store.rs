use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::key::{
    Deletion, ForeignGroup, ForeignLookup, KeyPatch, Revocation, Rotated, RotationChange, RotationRefused, StoredKey,
};
use keymint_domain::leak::{LeakOutcome, LeakReport};
use keymint_domain::listing::{ListQuery, Page, Room, Total, Unreadable};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId, Timestamp};

use crate::{
    BulkChange, BulkCursor, BulkPortion, CountCursor, CountedPortion, DeletedKey, DeletedQuery, ImportOutcome,
    RestoredKey, StoreError,
};

/// The part of a key that is needed to revoke or remove it. The rest of its row may be unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStub {
    /// The key's owner; `None` = it cannot be read.
    pub owner: Option<OwnerId>,
    /// The key's configuration; `None` = it cannot be read.
    pub config_id: Option<ConfigId>,
    /// The stored forms of the key's secrets that can be read, the one in use first.
    pub stored: Vec<StoredKey>,
}

/// The outcome of a removal of several keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// The number of keys that were removed.
    pub removed: u32,
    /// The keys that were kept, because another row refers to them.
    pub kept: Vec<KeyId>,
    /// The number of new notices that a removed key has expired.
    pub expiries_told: u32,
}

impl Removed {
    /// Returns the outcome of `removed` keys removed and none kept.
    pub fn all(removed: u32) -> Self {
        Self { removed, kept: Vec::new(), expiries_told: 0 }
    }

    /// Adds the outcome of one key's removal.
    ///
    /// # Errors
    ///
    /// Returns the error of `outcome`, unless it is [`StoreError::Referenced`]: then the key is kept.
    pub fn add(&mut self, id: &KeyId, outcome: Result<Self, StoreError>) -> Result<(), StoreError> {
        match outcome {
            Err(StoreError::Referenced) => self.kept.push(id.clone()),
            outcome => {
                let Self { removed, kept, expiries_told } = outcome?;
                self.removed += removed;
                self.kept.extend(kept);
                self.expiries_told += expiries_told;
            }
        }
        Ok(())
    }
}

/// Collects the rows of a page, keys and unreadable rows, while the page has room.
#[derive(Debug, Default)]
pub struct PageRows {
    page: Page,
    room: Room,
}

impl PageRows {
    /// Takes the next row. Returns false if the page is full and the row belongs to the next one.
    ///
    /// # Errors
    ///
    /// Returns the row's error, unless it is [`StoreError::Corrupt`].
    pub fn take(&mut self, row: Result<ApiKey, StoreError>) -> Result<bool, StoreError> {
        match row {
            Ok(key) if self.room.admits(&key) => self.page.keys.push(key),
            Ok(_) => {
                self.page.is_cut = true;
                return Ok(false);
            }
            Err(StoreError::Corrupt { column, id, .. }) => self.page.unreadable.push(Unreadable { id, column }),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Returns the number of rows so far.
    pub fn rows(&self) -> u64 {
        (self.page.keys.len() + self.page.unreadable.len()) as u64
    }

    /// Returns true if no row was refused for want of room.
    pub fn has_room(&self) -> bool {
        !self.page.is_cut
    }

    /// Returns the page, given the number of keys on all pages.
    pub fn finish(self, total: Total) -> Page {
        Page { total, ..self.page }
    }
}

/// Stores [`ApiKey`]s.
///
/// # Contract
///
/// `keymint_conformance` checks it; an adapter that passes on its real engine is correct.
///
/// * Each method is atomic, and its change is durable once it returns `Ok`. After an `Err` nothing has changed. The
///   exception is [`StoreError::Unavailable`]: the connection may have broken, or the call timed out, on its commit.
/// * The rules are the domain's. A store reads rows, calls the domain, and writes the result to those rows; it repeats
///   no rule.
/// * The event of a change, which [`Origin`] and [`Ledger::events`](keymint_domain::verify::Ledger::events) make, is
///   written in the transaction of the change: it exists if and only if the change was committed. Events of one key are
///   in the order of its changes.
/// * A missing key is `None` or `false`; an `Err` means that the store failed.
/// * Values come back exactly as they went in: texts byte for byte, instants to the millisecond.
/// * Methods may be called from many tasks, and through many handles and processes if the engine is shared. A change by
///   one call is visible to the next call of any other.
/// * Each method ends. It times out on a lock, a disk or another machine within a bound of its own, with
///   [`StoreError::Unavailable`]. A later call does not wait for the same thing again.
/// * A future that is dropped leaves neither a lock nor half a change.
/// * No input makes a method panic.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and a method that reads whole rows returns
/// [`StoreError::Corrupt`] for one that it cannot read. The methods list their other errors.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Adds a key.
    ///
    /// With `max_living`, the key is added only while its owner has fewer living keys than that under the same
    /// configuration: keys that have neither expired at the new key's creation nor been revoked. Two concurrent inserts
    /// never both take the last place.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::OwnerFull`] if the owner has `max_living` keys, [`StoreError::Duplicate`] if the id exists
    /// already, and [`StoreError::OutOfRange`] for a number that the column cannot hold.
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>, origin: &Origin) -> Result<(), StoreError>;

    /// Adds a portion of keys that were made elsewhere. The outcomes are in their order.
    ///
    /// A key whose id or secret is taken, also by an earlier one of the portion, is left out, and changes nothing. Both
    /// secrets of a key with a rotation are taken. Two
    /// imports at the same time add each secret once. The number of an owner's keys has no limit here.
    ///
    /// A key with a foreign hash is recognized by that, also after it was hashed anew. Keys with slow hashes are all found
    /// by the same number of first characters, and at most [`MAX_ALIKE`](keymint_domain::key::MAX_ALIKE) of them have the
    /// same ones; [`TakenKeys`](crate::TakenKeys) decides.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if another caller has just taken an id, and [`StoreError::OutOfRange`]. Then
    /// nothing of the portion was added.
    async fn import(&self, keys: &[ApiKey], origin: &Origin) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Returns the outcomes that [`KeyStore::import`] would have, and adds nothing.
    async fn preview_import(&self, keys: &[ApiKey]) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Lists the groups of lookups by which keys with foreign hashes are found. It takes a few steps on an index, however
    /// many keys there are.
    async fn foreign_groups(&self) -> Result<Vec<ForeignGroup>, StoreError>;

    /// Finds the keys that have one of these lookups of foreign hashes, and those that are stored under one of these
    /// texts, in the order of their ids by bytes. It reads nothing but these rows.
    ///
    /// A caller that missed a key looks for both: the key may have been hashed anew since.
    async fn find_foreign(&self, lookups: &[ForeignLookup], forms: &[StoredKey]) -> Result<Vec<ApiKey>, StoreError>;

    /// Stores a key, as [`KeyStore::find_foreign`] found it, under the text `stored`, and clears its foreign hash. Returns
    /// false and changes nothing if it no longer has that hash.
    ///
    /// From then on the key is found by `stored` alone. No counter and no other member changes.
    async fn rehash(&self, key: &ApiKey, stored: &StoredKey) -> Result<bool, StoreError>;

    /// Finds a key by id.
    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Finds the part of a key that is needed to revoke or remove it, whatever the rest of its row holds.
    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError>;

    /// Lists one page, and counts all keys that match. Page and count are of the same instant.
    ///
    /// A row that cannot be read keeps its place, and is listed as unreadable. The page ends before its `limit` if its
    /// [`Room`](keymint_domain::listing::Room) is full; the store holds no more than that in memory.
    ///
    /// The order is total and the same in every store: first the requested field (texts by bytes, `false` before
    /// `true`, rows without a value first if ascending and last if descending), then creation, then id. By `expiresAt`,
    /// keys that never expire are last.
    ///
    /// [`KeyFilter::admits`](keymint_domain::listing::KeyFilter::admits) says what the filter means, with the last use
    /// that the statistics of uses have of the key.
    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError>;

    /// Applies [`ApiKey::patched`] to the stored key while no other writer can change it, and returns the result.
    ///
    /// Columns that the patch does not change stay in the row as they are written there.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::OutOfRange`] for a number that the column cannot hold.
    async fn update(
        &self,
        id: &KeyId,
        patch: &KeyPatch,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<ApiKey>, StoreError>;

    /// Applies [`ApiKey::changed_by`] to a portion of the keys that the change selects, while no other writer can change
    /// them. A key that is so already is not written.
    ///
    /// A portion has at most `limit` keys. It begins at the first key, or at the cursor that the previous portion
    /// returned. A portion is committed whole or not at all, and no lock or transaction is held between portions. A key
    /// that exists from the first portion to the last is changed, whatever is added or removed meanwhile.
    ///
    /// A row that cannot be read stays as it is, and is named in the portion. If the change revokes, it is revoked as by
    /// [`KeyStore::revoke_unreadable`], and named only if it has no readable id.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::OutOfRange`] for a number that the column cannot hold. Then nothing of the portion was
    /// changed.
    async fn update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
        origin: &Origin,
    ) -> Result<BulkPortion, StoreError>;

    /// Returns the portion that [`KeyStore::update_many`] would, and changes nothing. Every row that cannot be read is
    /// named in it.
    async fn preview_update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
    ) -> Result<BulkPortion, StoreError>;

    /// Applies [`ApiKey::rotated`] to the stored key while no other writer can change it, and returns the result. `None`
    /// means that there is no such key.
    ///
    /// A change that the domain refuses, or that takes no step, writes nothing.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Locked`] if another transaction keeps the row locked for long.
    async fn rotate(
        &self,
        id: &KeyId,
        change: &RotationChange,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError>;

    /// Revokes a key whose row cannot be read. Returns false if there is no such row.
    ///
    /// It disables the key, and stores the time and the actor of the revocation unless the row has both already. It
    /// changes nothing else.
    async fn revoke_unreadable(&self, id: &KeyId, revocation: &Revocation, origin: &Origin)
    -> Result<bool, StoreError>;

    /// Applies reports of leaked secrets: reads the rows of all of them, lets
    /// [`LeakedRows`](keymint_domain::leak::LeakedRows) decide, and writes every changed row once, in one transaction. The
    /// outcomes are in the order of the reports.
    ///
    /// Deleted keys that can be restored at `now` are among the rows, and are changed where they are: such a key comes back
    /// with the consequence of the report. A key that is deleted or restored at the same time is found here or there.
    ///
    /// No counter of a use changes. If several rows are stored under one text, all of them count. An event whose id
    /// exists is left out: so a report that comes again changes nothing and records nothing.
    ///
    /// A row that cannot be read stays as it is, and fails only its reports, with [`StoreError::Corrupt`] in their places.
    ///
    /// # Errors
    ///
    /// Returns an outer error if the whole call fails. Then none of the reports has an effect.
    async fn report_leaks(
        &self,
        reports: &[LeakReport],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError>;

    /// Settles a batch of attempts: reads the rows of all their keys, lets a [`Ledger`](keymint_domain::verify::Ledger)
    /// decide the attempts in their order, and writes every changed row once.
    ///
    /// Rows stay unchanged between read and write: by a lock, or by a retry on conflict.
    ///
    /// Calls that an attempt brings along ([`Attempt::deferred`]) are added to the row's counters even if the attempt
    /// is then refused. The ledger does that.
    ///
    /// A key with a rotation is found by both of its secrets, and is one row for all attempts of a batch, whichever
    /// secret they present. [`Ledger::rotations`](keymint_domain::verify::Ledger::rotations) lists the keys whose
    /// rotation is to be written too, with the secret in use. A secret in use is looked up before the second one of
    /// another key.
    ///
    /// If several rows are stored under one text, the one with the smallest id (by bytes) counts. Keys are random, so
    /// that this happens only to a copied row; a store may take ten seconds to notice one beside a row in use.
    ///
    /// Answers are in the order of the attempts. A row that cannot be read fails only the attempts on it, with
    /// [`StoreError::Corrupt`] in their places. A row that another transaction keeps locked may fail the attempts on it
    /// with [`StoreError::Locked`], so that the others do not wait for it; these attempts are not counted.
    ///
    /// # Errors
    ///
    /// Returns an outer error if the whole batch fails. Then none of its attempts is counted.
    async fn spend(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError>;

    /// Returns the answer that [`KeyStore::spend`] would give to an attempt.
    ///
    /// It reads the rows of the key in the same way, and lets
    /// [`Ledger::dry_run`](keymint_domain::verify::Ledger::dry_run) judge them. Nothing is written, not even the calls
    /// that the attempt brings along.
    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError>;

    /// Removes a key. Returns false if there was none.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Referenced`] if another row refers to the key.
    async fn remove(&self, id: &KeyId, origin: &Origin) -> Result<bool, StoreError>;

    /// Deletes a key so that it can be restored: moves its row, as it is, among the deleted ones, where no other method of
    /// this trait finds it. Returns false if there was none. An earlier deleted key of the same id is gone.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Referenced`] if another row refers to the key.
    async fn set_aside(&self, id: &KeyId, deletion: &Deletion, origin: &Origin) -> Result<bool, StoreError>;

    /// Finds a deleted key.
    async fn find_deleted(&self, id: &KeyId) -> Result<Option<DeletedKey>, StoreError>;

    /// Lists deleted keys, the last deleted first, and by their ids where that is the same. A row without a readable id
    /// is left out.
    async fn list_deleted(&self, query: &DeletedQuery) -> Result<Vec<DeletedKey>, StoreError>;

    /// Moves a deleted key back, every column as it was, or as a report of a leak has left it. Returns `None` if there is none.
    ///
    /// With `max_living` a key that is living at `now` is restored only while its owner has fewer living keys than that,
    /// as in [`KeyStore::insert`].
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::OwnerFull`] if the owner has `max_living` keys, and [`StoreError::Duplicate`] if another key
    /// has the id or the secret by now. Then the key stays deleted.
    async fn restore(
        &self,
        id: &KeyId,
        max_living: Option<NonZeroU32>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<RestoredKey>, StoreError>;

    /// Removes deleted keys whose time ended before `now`, the longest ended first, at most `limit` of them. Returns
    /// their number.
    ///
    /// An engine with a clock of its own keeps whatever has not ended by that clock.
    async fn purge_deleted(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError>;

    /// Removes keys of these configurations that expired before `before`, the longest expired first.
    ///
    /// At most `limit` keys are removed, after the first `skip` of them, which an earlier call has kept.
    ///
    /// A row that another row refers to is kept, and does not prevent the removal of the others; each of them is then
    /// removed on its own.
    ///
    /// The events of a removed key are those of [`Origin::key_removed`], in its transaction, except those that exist.
    ///
    /// An engine with a clock of its own keeps whatever has not expired by that clock: `before` may come from a clock
    /// that is ahead.
    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
        origin: &Origin,
    ) -> Result<Removed, StoreError>;

    /// Removes those of these keys that [`Policy::may_remove_exhausted`] allows to remove. A row that another row
    /// refers to is kept, as in [`KeyStore::remove_expired`].
    async fn remove_exhausted(
        &self,
        ids: &[KeyId],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Removed, StoreError>;

    /// Counts a portion of all keys, or of those of `owner`, by their state at `now`, according to
    /// [`KeyState::of`](keymint_domain::key::KeyState::of).
    ///
    /// A portion has at most `limit` keys. It begins at the first key, or at the cursor that the previous portion
    /// returned. Each portion is of one instant, and no lock or transaction is held between portions.
    ///
    /// A key that exists from the first portion to the last is counted once, whatever is added or removed meanwhile. A
    /// key that is added or removed meanwhile is counted once or not at all.
    async fn count(
        &self,
        owner: Option<OwnerId>,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError>;

    /// Fails if a batch of verifications would fail now. It reads keys, writes and commits as [`KeyStore::spend`] does,
    /// over a connection that it uses.
    ///
    /// It requires the rights on tables that the other methods require, and makes no visible change.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Corrupt`] if there are keys and none of a sample can be read.
    async fn probe(&self) -> Result<(), StoreError>;
}
