use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use keymint_ports::{IdentityStore, KeyStore, OrganizationStore, ServerKeyStore};
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

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
    /// Transactions that it can have in flight at once with a gain.
    pub(super) lanes: NonZeroUsize,
}

impl Store {
    fn new(store: impl KeyStore + ServerKeyStore + IdentityStore + OrganizationStore, lanes: NonZeroUsize) -> Self {
        let store = Arc::new(store);
        Self {
            keys: Arc::clone(&store) as _,
            server_keys: Arc::clone(&store) as _,
            users: Arc::clone(&store) as _,
            organizations: store,
            lanes,
        }
    }

    pub(super) async fn open(database: &Database) -> Result<Self, OpenError> {
        const PG_LANES: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        Ok(match &database.url {
            DatabaseUrl::Memory => Self::new(MemoryStore::default(), NonZeroUsize::MIN),
            DatabaseUrl::Sqlite { path } => {
                Self::new(SqliteStore::connect(&sqlite_options(database, path)).await?, NonZeroUsize::MIN)
            }
            DatabaseUrl::Postgres { url } => {
                Self::new(PgStore::connect(&postgres_options(database, url.expose())).await?, PG_LANES)
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

fn sqlite_options(database: &Database, path: &Path) -> SqliteOptions {
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
