use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use keymint_domain::key::StoredKey;
use keymint_domain::{ApiKey, Timestamp};

use super::version::Version;

/// Keys that are remembered at most. One takes about half a kilobyte.
const CAPACITY: usize = 16_384;

/// How long a key is remembered, in milliseconds. Versions are numbers of transactions, which begin again some day, and which
/// a server that takes another one's place may give once more.
const FOR_MS: u64 = 10_000;

/// Rows as this process wrote them last, each with its version: what a batch need not read, because its write finds out
/// whether the row is still the same. Nothing is ever answered from here alone.
pub(crate) struct Memory {
    rows: Mutex<LruCache<StoredKey, Remembered>>,
}

/// A row, as it was when it had this version.
pub(super) struct Remembered {
    pub(super) key: ApiKey,
    pub(super) version: Version,
    at: Timestamp,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { rows: Mutex::new(LruCache::new(CAPACITY)) }
    }

    /// Takes out the rows that are remembered of these. One that turns out to have changed is thereby forgotten.
    pub(super) fn take<'a>(
        &self,
        forms: impl IntoIterator<Item = &'a StoredKey>,
        now: Timestamp,
    ) -> Vec<(StoredKey, Remembered)> {
        let mut rows = self.rows();
        let taken = forms.into_iter().filter_map(|form| rows.remove_entry(form));
        taken.filter(|(_, row)| now.millis_since(row.at) < FOR_MS && row.at <= now).collect()
    }

    /// Remembers rows that were written at `now`.
    pub(super) fn keep<'a>(&self, written: impl IntoIterator<Item = (&'a ApiKey, Version)>, now: Timestamp) {
        let mut rows = self.rows();
        for (key, version) in written {
            rows.insert(key.details.stored.clone(), Remembered { key: key.clone(), version, at: now });
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.rows().clear();
    }

    fn rows(&self) -> MutexGuard<'_, LruCache<StoredKey, Remembered>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
