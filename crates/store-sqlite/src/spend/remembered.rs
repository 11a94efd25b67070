use keymint_domain::ApiKey;
use keymint_domain::key::StoredKey;
use keymint_domain::verify::Owner;
use keymint_ports::StoreError;
use keymint_store_sql::RowCache;
use rusqlite::Connection;

/// The rows that the writing connection read or wrote last.
///
/// They are current until another connection commits anything, to any table. Such a commit changes SQLite's
/// `data_version`; a connection's own commits do not. A batch reads the number while it holds the write lock, so no
/// commit can come between. A call on this connection forgets the rows that it changes.
pub(crate) struct RememberedRows {
    data_version: Option<i64>,
    rows: RowCache<(ApiKey, Owner)>,
}

impl RememberedRows {
    /// Returns a set without rows.
    pub(crate) fn new() -> Self {
        Self { data_version: None, rows: RowCache::new(|(key, _)| key.heap_bytes()) }
    }

    /// Forgets all rows if somebody else has committed. The transaction must hold the lock on writing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]
    pub(crate) fn refresh(&mut self, transaction: &Connection) -> Result<(), StoreError> {
        let ask = transaction.prepare_cached("pragma data_version");
        let present = ask.and_then(|mut ask| ask.query_row([], |row| row.get(0))).map_err(StoreError::unavailable)?;
        if self.data_version.replace(present) != Some(present) {
            self.rows.clear();
        }
        Ok(())
    }

    /// Returns the row that is kept under a text, if it is remembered.
    pub(crate) fn recall(&mut self, form: &StoredKey) -> Option<(ApiKey, Owner)> {
        self.rows.get(form).cloned()
    }

    /// Remembers a row as it was read, if it is worth it.
    pub(super) fn keep(&mut self, form: &StoredKey, row: &(ApiKey, Owner)) {
        self.rows.keep(form, || row.clone());
    }

    /// Forgets the row that is kept under a text.
    pub(crate) fn forget(&mut self, form: &StoredKey) {
        self.rows.forget(form);
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Remembers the counters of a row as they were committed.
    pub(super) fn count(&mut self, written: &ApiKey) {
        if let Some((key, _)) = self.rows.get_mut(&written.details.stored) {
            key.usage = written.usage;
        }
    }
}
