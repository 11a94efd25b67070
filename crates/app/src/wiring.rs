//! Puts the crates together as the configuration says.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use keymint_actix::{Api, ApiOptions, ServeOptions};
use keymint_ports::{Clock, Entropy, KeyStore, ServerKeyStore};
use keymint_service::{CleanupOptions, GroupCommitOptions, Keys, OsEntropy, ServerKeys, SystemClock};
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

use crate::config::{Config, Database, DatabaseUrl};

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

/// One store behind both of its ports.
#[derive(Clone)]
struct Store {
    keys: Arc<dyn KeyStore>,
    server_keys: Arc<dyn ServerKeyStore>,
    /// Transactions that it can have in flight at once with a gain.
    lanes: NonZeroUsize,
}

impl Store {
    fn new(store: impl KeyStore + ServerKeyStore, lanes: NonZeroUsize) -> Self {
        let store = Arc::new(store);
        Self { keys: Arc::clone(&store) as _, server_keys: store, lanes }
    }

    async fn open(database: &Database) -> Result<Self, OpenError> {
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

/// The use cases on the configured database.
#[derive(Debug)]
pub struct Services {
    /// API keys.
    pub keys: Arc<Keys>,
    /// Server keys.
    pub server_keys: Arc<ServerKeys>,
}

impl Services {
    /// Opens the database, brought to the present layout first, and starts the services on it.
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let store = Store::open(&config.database).await?;
        let group_commit = GroupCommitOptions { lanes: store.lanes, ..GroupCommitOptions::default() };
        let keys = Keys::builder(store.keys)
            .policy(config.policy.clone())
            .access(config.verify.access)
            .group_commit(group_commit)
            .build();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let server_keys = ServerKeys::new(store.server_keys, clock, Arc::new(OsEntropy), &config.server_keys);
        Ok(Self { keys: Arc::new(keys), server_keys: Arc::new(server_keys) })
    }

    /// The HTTP API over these services.
    pub fn api(&self, config: &Config) -> Api {
        let server = &config.server;
        let options = ApiOptions {
            base_path: server.base_path.clone(),
            body_limit: server.body_limit_bytes,
            // Within the whole, so that a slow client is told that it was the slow one.
            body_timeout: server.request_timeout / 2,
            request_timeout: server.request_timeout,
        };
        let mut instance = [0; 8];
        OsEntropy.fill(&mut instance);
        Api::new(Arc::clone(&self.keys), Arc::clone(&self.server_keys), options, instance)
    }
}

/// How the server runs.
pub fn serve_options(config: &Config) -> ServeOptions {
    let server = &config.server;
    ServeOptions {
        workers: server.workers.map(NonZeroUsize::get),
        max_connections: server.max_connections,
        keep_alive: server.keep_alive,
        head_timeout: server.request_timeout,
        shutdown_timeout: server.shutdown,
    }
}

/// How dead keys are removed; `None` = not at all.
pub fn cleanup_options(config: &Config) -> Option<CleanupOptions> {
    let cleanup = &config.cleanup;
    cleanup.interval.map(|interval| CleanupOptions { interval, batch_size: cleanup.batch_size })
}
