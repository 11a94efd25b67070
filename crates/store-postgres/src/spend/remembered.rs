use std::sync::{Mutex, MutexGuard, PoisonError};

use keymint_domain::key::StoredKey;
use keymint_domain::{ApiKey, Timestamp};
use keymint_store_sql::RowCache;

use super::version::Version;

/// The milliseconds for which a row is remembered. Versions are numbers of transactions. They wrap around, and a server
/// that replaces another one may reuse them.
const FOR_MS: u64 = 10_000;

/// The rows that this process wrote last, each with its version. A batch does not read them, because its write checks
/// the version. No answer depends on them alone.
pub(crate) struct RememberedRows {
    rows: Mutex<RowCache<Remembered>>,
}

/// A row, as it was when it had this version.
pub(super) struct Remembered {
    pub(super) key: ApiKey,
    pub(super) version: Version,
    at: Timestamp,
}

impl RememberedRows {
    pub(crate) fn new() -> Self {
        Self { rows: Mutex::new(RowCache::new(|row: &Remembered| row.key.heap_bytes())) }
    }

    /// Removes the rows of these texts and returns them. One that turns out to have changed is thereby forgotten.
    pub(super) fn take<'a>(
        &self,
        forms: impl IntoIterator<Item = &'a StoredKey>,
        now: Timestamp,
    ) -> Vec<(StoredKey, Remembered)> {
        let mut rows = self.rows();
        let taken = forms.into_iter().filter_map(|form| Some((form.clone(), rows.take(form)?)));
        taken.filter(|(_, row)| now.millis_since(row.at) < FOR_MS && row.at <= now).collect()
    }

    /// Remembers rows that were written at `now`, if it is worth it.
    pub(super) fn keep<'a>(&self, written: impl IntoIterator<Item = (&'a ApiKey, Version)>, now: Timestamp) {
        let mut rows = self.rows();
        for (key, version) in written {
            rows.keep(&key.details.stored, || Remembered { key: key.clone(), version, at: now });
        }
    }

    /// Forgets all rows.
    pub(crate) fn clear(&self) {
        self.rows().clear();
    }

    fn rows(&self) -> MutexGuard<'_, RowCache<Remembered>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use keymint_conformance::sample::{self, NOW};

    use super::*;

    fn version() -> Version {
        Version::default()
    }

    fn is_taken(rows: &RememberedRows, id: &str, now: Timestamp) -> bool {
        let stored = sample::key(id).details.stored.clone();
        !rows.take([&stored], now).is_empty()
    }

    #[test]
    fn a_row_is_taken_once_and_only_for_a_while() {
        let rows = RememberedRows::new();
        let key = sample::key("a");
        for (later_ms, is_known) in [(0, true), (FOR_MS - 1, true), (FOR_MS, false)] {
            rows.keep([(&key, version())], NOW);
            assert_eq!(is_taken(&rows, "a", NOW.plus_millis(later_ms)), is_known, "after {later_ms} ms");
            assert!(!is_taken(&rows, "a", NOW), "it was taken out");
        }
        rows.keep([(&key, version())], NOW.plus_millis(1));
        assert!(!is_taken(&rows, "a", NOW), "a clock that was set back says nothing");
    }
}
