use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::key::{KeyPatch, Revocation, StoredKey};
use keymint_domain::listing::{ListQuery, Page, Room, Unreadable};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId, Timestamp};

use crate::{CountCursor, CountedPortion, StoreError};

/// What there is to know of a key before it is stopped or removed, of a row that need not be readable otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStub {
    /// Whose it is; `None` = that cannot be read.
    pub owner: Option<OwnerId>,
    /// Its configuration; `None` = that cannot be read.
    pub config_id: Option<ConfigId>,
    /// What is kept of its secret; `None` = that cannot be read.
    pub stored: Option<StoredKey>,
}

/// What became of keys that were to be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many are gone.
    pub removed: u32,
    /// Those to which another row refers.
    pub kept: Vec<KeyId>,
}

impl Removed {
    /// So many are gone, and none was kept.
    pub fn all(removed: u32) -> Self {
        Self { removed, kept: Vec::new() }
    }

    /// Adds what became of one key.
    pub fn add(&mut self, id: &KeyId, outcome: Result<u32, StoreError>) -> Result<(), StoreError> {
        match outcome {
            Err(StoreError::Referenced) => self.kept.push(id.clone()),
            outcome => self.removed += outcome?,
        }
        Ok(())
    }
}

/// Collects the rows of a page: keys, and the names of what cannot be read, while there is room.
#[derive(Debug, Default)]
pub struct PageRows {
    page: Page,
    room: Room,
}

impl PageRows {
    /// Takes the next row. `false` = the page is full, and the row belongs to the next one.
    ///
    /// # Errors
    /// The row is an error, and not [`StoreError::Corrupt`].
    pub fn take(&mut self, row: Result<ApiKey, StoreError>) -> Result<bool, StoreError> {
        match row {
            Ok(key) if self.room.admits(&key) => self.page.keys.push(key),
            Ok(_) => return Ok(false),
            Err(StoreError::Corrupt { column, id, .. }) => self.page.unreadable.push(Unreadable { id, column }),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// The page, of so many keys on all pages.
    pub fn finish(self, total: u64) -> Page {
        Page { total, ..self.page }
    }
}

/// Keeps [`ApiKey`]s.
///
/// # Contract
/// Checked by `keymint_conformance`; an adapter that passes it on its real engine is correct.
/// * Each method is atomic, and what it changed is durable once it returns `Ok`. After an `Err` nothing has changed,
///   but for [`StoreError::Unavailable`] where a connection broke, or was given up, on its commit.
/// * The rules are the domain's. A store reads rows, calls the domain, and keeps what it returns, on those very rows; it
///   repeats no rule.
/// * A missing key is `None` or `false`; an `Err` means that the store failed.
/// * Values come back exactly as they went in: texts by bytes, instants to the millisecond.
/// * Methods may be called from many tasks, and through many handles and processes where the engine is shared. What
///   one of them changed the next call of any other sees.
/// * Each method ends. Whatever it waits for, be it a lock, a disk or another machine, it gives up within a bound of its own, with
///   [`StoreError::Unavailable`]; a call after it does not wait for the same thing again.
/// * A future that is dropped leaves no lock behind and no half of a change.
/// * No input makes a method panic.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Adds a key.
    ///
    /// With `max_living`, the key is added only while its owner has fewer than so many living keys under the same
    /// configuration: keys that have neither expired at the new key's creation nor been revoked. Two inserts at once never both take
    /// the last place.
    ///
    /// Errors: [`StoreError::OwnerFull`]; [`StoreError::Duplicate`] for an id that exists.
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>) -> Result<(), StoreError>;

    /// Finds the key of that id.
    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Finds what is known of the key of that id, whatever else its row holds.
    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError>;

    /// Lists one page, and counts all keys that match. Page and count are of the same instant. A row that cannot be read
    /// keeps its place, and is named instead of shown.
    /// The page ends before its `limit` where [`Room`](keymint_domain::listing::Room) has none for the next key; no more than
    /// that is held in memory.
    ///
    /// The order is total and the same in every store: the field asked for (texts by bytes, `false` before `true`,
    /// rows without a value first where ascending and last where descending), then creation, then id.
    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError>;

    /// Applies [`ApiKey::patched`] to the stored key while nobody else can change it, and returns the outcome. What the
    /// patch leaves alone stays in the row as it is written there.
    async fn update(&self, id: &KeyId, patch: &KeyPatch, now: Timestamp) -> Result<Option<ApiKey>, StoreError>;

    /// Revokes a key whose row cannot be read: disables it, and keeps when and by whom, unless the row has both already. It
    /// changes nothing else. `false` where there is no such row.
    async fn revoke_unreadable(&self, id: &KeyId, revocation: &Revocation) -> Result<bool, StoreError>;

    /// Settles a batch of attempts: reads the rows of all their keys, lets a
    /// [`Ledger`](keymint_domain::verify::Ledger) decide them in their order, and writes every changed row once. Nobody
    /// else changes a row between its reading and its writing, be it for a lock, or because what was decided on a row that
    /// has changed is decided again.
    ///
    /// Calls that an attempt brings along ([`Attempt::deferred`]) are added to what the row counts, also where the attempt
    /// is then refused; the ledger sees to it.
    ///
    /// Where several rows are kept under one text, the one with the smallest id (by bytes) counts. Keys are
    /// random, so that only a copied row brings this about; a store may take ten seconds to notice one beside a row in use.
    ///
    /// Answers are in the order of the attempts. A row that cannot be read fails the attempts on it, with
    /// [`StoreError::Corrupt`] in their places. One that somebody else keeps locked may fail the attempts on it with
    /// [`StoreError::Locked`], so that the others need not wait for it: nothing of them counted. An outer error fails the batch, of which then nothing counted.
    async fn spend(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError>;

    /// Says how [`KeyStore::spend`] would settle an attempt: reads the rows of its key as that would, and lets
    /// [`Ledger::dry_run`](keymint_domain::verify::Ledger::dry_run) judge them. Nothing is written, not even calls that the
    /// attempt brings along.
    ///
    /// Errors: [`StoreError::Corrupt`] for a row that cannot be read.
    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError>;

    /// Removes a key; `false` where there was none.
    ///
    /// Errors: [`StoreError::Referenced`].
    async fn remove(&self, id: &KeyId) -> Result<bool, StoreError>;

    /// Removes keys of these configurations that expired before `before`, the longest expired first, `limit` at
    /// most, after the first `skip` of them, which an earlier call has kept.
    ///
    /// A row to which another refers is kept, and keeps none of the others from being removed; each of them is then
    /// removed on its own.
    ///
    /// An engine that has a clock of its own keeps whatever has not expired by that clock: `before` may come from a clock
    /// that is ahead.
    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
    ) -> Result<Removed, StoreError>;

    /// Removes those of these keys that [`Policy::may_remove_exhausted`] allows to remove. A row to which another refers is
    /// kept, as above.
    async fn remove_exhausted(&self, ids: &[KeyId], policy: &Policy, now: Timestamp) -> Result<Removed, StoreError>;

    /// Counts a portion of all keys by their state at `now`, by [`KeyState::of`](keymint_domain::key::KeyState::of) on what
    /// their rows say: `limit` of them at most, from the first one on, or from where the portion before says that the next
    /// one begins. Portions are of one instant each, and nothing is held between them.
    ///
    /// A key that is there from the first portion to the last is counted once, whatever comes and goes meanwhile; one that
    /// comes or goes is counted once or not at all.
    async fn count(
        &self,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError>;

    /// Fails where a batch of verifications would fail now: reads keys, writes and commits as [`KeyStore::spend`] does, over a
    /// connection that it uses. It takes the rights on tables that the other methods take, and nobody sees a change.
    ///
    /// Errors: [`StoreError::Corrupt`] where there are keys, and none of a sample can be read.
    async fn probe(&self) -> Result<(), StoreError>;
}
