use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use keymint_ports::{Connections, IdentityStore, KeyStore, Meter, OrganizationStore, ServerKeyStore};
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

use super::metered::Metered;
use crate::config::{Database, DatabaseUrl};

/// A database that could not be opened, brought to the present layout, or used as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite's.
    #[error(transparent)]
    Sqlite(#[from] keymint_store_sqlite::ConnectError),
    /// Postgres'.
    #[error(transparent)]
    Postgres(#[from] keymint_store_postgres::ConnectError),
}

/// One store behind all of its ports.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) keys: Arc<dyn KeyStore>,
    pub(super) server_keys: Arc<dyn ServerKeyStore>,
    pub(super) users: Arc<dyn IdentityStore>,
    pub(super) organizations: Arc<dyn OrganizationStore>,
    /// Its connections now.
    pub(super) connections: Arc<dyn Fn() -> Connections + Send + Sync>,
    /// The store itself, where it is SQLite's, whose file is left whole at the end.
    pub(super) sqlite: Option<Arc<SqliteStore>>,
    /// What is told what happens.
    pub(super) meter: Arc<dyn Meter>,
    /// Transactions that it can have in flight at once with a gain.
    pub(super) lanes: NonZeroUsize,
    /// What was found where it was opened.
    pub(super) found: Found,
}

/// What an operator should know of the database that was opened.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Which program answers, where it is one of its own.
    pub(super) server: Option<String>,
    /// What should be mended.
    pub(super) warnings: Vec<String>,
}

/// What is done where there is no database of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// It is made.
    Make,
    /// It is an error.
    Fail,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Store {
    fn new<S: KeyStore + ServerKeyStore + IdentityStore + OrganizationStore>(
        bare: Arc<S>,
        connections: impl Fn(&S) -> Connections + Send + Sync + 'static,
        lanes: NonZeroUsize,
        meter: Arc<dyn Meter>,
    ) -> Self {
        let store = Arc::new(Metered::new(Arc::clone(&bare), Arc::clone(&meter)));
        Self {
            connections: Arc::new(move || connections(&bare)),
            keys: Arc::clone(&store) as _,
            server_keys: Arc::clone(&store) as _,
            users: Arc::clone(&store) as _,
            organizations: store,
            sqlite: None,
            meter,
            lanes,
            found: Found::default(),
        }
    }

    pub(super) async fn open(database: &Database, absent: Absent, meter: Arc<dyn Meter>) -> Result<Self, OpenError> {
        let must_exist = absent == Absent::Fail;
        Ok(match &database.url {
            DatabaseUrl::Memory => {
                let store = Arc::new(MemoryStore::default());
                Self::new(store, |_| Connections::default(), NonZeroUsize::MIN, meter)
            }
            DatabaseUrl::Sqlite { path } => {
                let store = Arc::new(
                    SqliteStore::connect(&SqliteOptions { must_exist, ..sqlite_options(database, path) }).await?,
                );
                let metered = Self::new(Arc::clone(&store), SqliteStore::connections, NonZeroUsize::MIN, meter);
                Self { sqlite: Some(store), ..metered }
            }
            DatabaseUrl::Postgres { url } => {
                let options = PgOptions { must_exist, ..postgres_options(database, url.expose()) };
                let store = Arc::new(PgStore::connect(&options).await?);
                let faults = store.faults().iter().map(ToString::to_string);
                let found = Found {
                    server: Some(store.behind().to_string()),
                    warnings: faults.chain(store.behind().advice()).collect(),
                };
                Self { found, ..Self::new(store, PgStore::connections, PgStore::LANES, meter) }
            }
        })
    }
}

/// Brings the database to the present layout, and does nothing else.
pub async fn migrate(database: &Database) -> Result<(), OpenError> {
    match &database.url {
        DatabaseUrl::Memory => Ok(()),
        DatabaseUrl::Sqlite { path } => Ok(SqliteStore::migrate(&sqlite_options(database, path)).await?),
        DatabaseUrl::Postgres { url } => Ok(PgStore::migrate(&postgres_options(database, url.expose())).await?),
    }
}

pub(super) fn sqlite_options(database: &Database, path: &Path) -> SqliteOptions {
    SqliteOptions { durability: database.durability, ..SqliteOptions::new(path) }
}

fn postgres_options(database: &Database, url: &str) -> PgOptions {
    PgOptions {
        durability: database.durability,
        max_connections: database.max_connections,
        statement_timeout_ms: u64::try_from(database.statement_timeout.as_millis()).unwrap_or(u64::MAX),
        ..PgOptions::new(url)
    }
}
