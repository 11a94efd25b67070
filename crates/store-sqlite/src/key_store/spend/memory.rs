use keymint_domain::ApiKey;
use keymint_domain::key::StoredKey;
use keymint_domain::verify::Owner;
use keymint_ports::StoreError;
use keymint_row_cache::RowCache;
use rusqlite::Connection;

/// Rows as they are in the database, by the connection that read or wrote them last.
///
/// They hold for as long as nobody else has committed anything, to any table. SQLite tells a connection by a number,
/// `data_version`, which the commits of other connections change, and its own do not. A batch asks for it while it holds the
/// lock on writing, so that nobody can come between.
pub(crate) struct Memory {
    data_version: Option<i64>,
    rows: RowCache<(ApiKey, Owner)>,
}

impl Memory {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self { data_version: None, rows: RowCache::new(|(key, _)| key.heap_bytes()) }
    }

    /// Forgets everything where somebody else has committed. The transaction must hold the lock on writing.
    pub(super) fn refresh(&mut self, transaction: &Connection) -> Result<(), StoreError> {
        let ask = transaction.prepare_cached("pragma data_version");
        let present = ask.and_then(|mut ask| ask.query_row([], |row| row.get(0))).map_err(StoreError::unavailable)?;
        if self.data_version.replace(present) != Some(present) {
            self.rows.clear();
        }
        Ok(())
    }

    /// The row that is kept under that text, where it is remembered.
    pub(super) fn recall(&mut self, form: &StoredKey) -> Option<(ApiKey, Owner)> {
        self.rows.get(form).cloned()
    }

    /// Remembers a row as it was read, where it is worth it.
    pub(super) fn keep(&mut self, form: &StoredKey, row: &(ApiKey, Owner)) {
        self.rows.keep(form, || row.clone());
    }

    /// Forgets the row that was kept under that text.
    pub(crate) fn forget(&mut self, form: &StoredKey) {
        self.rows.forget(form);
    }

    /// Remembers the counters of a row as they were committed.
    pub(super) fn count(&mut self, written: &ApiKey) {
        if let Some((key, _)) = self.rows.get_mut(&written.details.stored) {
            key.usage = written.usage;
        }
    }
}
