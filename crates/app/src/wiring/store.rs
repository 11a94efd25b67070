use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;

use keymint_ports::{
    Connections, EventStore, IdentityStore, KeyStore, Meter, OrganizationStore, Placement, ServerKeyStore, SurveyStore,
    UsageStore, WebhookStore,
};
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::{DistributeError, Distribution, PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

use super::metered::Metered;
use crate::config::{Database, DatabaseUrl};
use crate::metrics::DatabaseLabels;

/// The failure to open a database, to migrate it, or to use it as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite's failure.
    #[error(transparent)]
    Sqlite(#[from] keymint_store_sqlite::ConnectError),
    /// Postgres' failure.
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
    pub(super) events: Arc<dyn EventStore>,
    pub(super) usage: Arc<dyn UsageStore>,
    pub(super) survey: Arc<dyn SurveyStore>,
    pub(super) webhooks: Arc<dyn WebhookStore>,
    /// Returns the counts of its connections.
    pub(super) connections: Arc<dyn Fn() -> Connections + Send + Sync>,
    /// Returns the number of times that the database moved to another host.
    pub(super) moves: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// The store itself, if it is SQLite's, whose file is left complete at the end.
    pub(super) sqlite: Option<Arc<SqliteStore>>,
    /// The meter that the store reports to.
    pub(super) meter: Arc<dyn Meter>,
    /// The number of transactions in flight on a node that still increases throughput.
    pub(super) lanes: NonZeroUsize,
    /// The places of keys on the nodes.
    pub(super) placement: Placement,
    /// False if the database cannot keep the statistics of uses, as the warnings say.
    pub(super) keeps_usage: bool,
    /// The labels of the database in the metrics.
    pub(super) labels: DatabaseLabels,
    /// The findings at its opening.
    pub(super) found: Found,
}

/// The findings on an opened database that matter to an operator.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// The database server's program, if there is one.
    pub(super) server: Option<String>,
    /// The hosts of the database, and the one that takes writes, if there are several.
    pub(super) hosts: Option<String>,
    /// The things that should be corrected.
    pub(super) warnings: Vec<String>,
}

/// The reaction to a missing database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Create it.
    Make,
    /// Fail.
    Fail,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Store {
    fn new<
        S: KeyStore
            + ServerKeyStore
            + IdentityStore
            + OrganizationStore
            + EventStore
            + UsageStore
            + SurveyStore
            + WebhookStore,
    >(
        bare: Arc<S>,
        connections: impl Fn(&S) -> Connections + Send + Sync + 'static,
        lanes: NonZeroUsize,
        meter: Arc<dyn Meter>,
        labels: DatabaseLabels,
    ) -> Self {
        let store = Arc::new(Metered::new(Arc::clone(&bare), Arc::clone(&meter)));
        Self {
            connections: Arc::new(move || connections(&bare)),
            keys: Arc::clone(&store) as _,
            server_keys: Arc::clone(&store) as _,
            users: Arc::clone(&store) as _,
            organizations: Arc::clone(&store) as _,
            events: Arc::clone(&store) as _,
            usage: Arc::clone(&store) as _,
            survey: Arc::clone(&store) as _,
            webhooks: store,
            moves: Arc::new(|| 0),
            sqlite: None,
            meter,
            lanes,
            placement: Placement::default(),
            keeps_usage: true,
            labels,
            found: Found::default(),
        }
    }

    pub(super) async fn open(database: &Database, absent: Absent, meter: Arc<dyn Meter>) -> Result<Self, OpenError> {
        let must_exist = absent == Absent::Fail;
        // A command ends soon, and may work through all keys.
        let cache_mib = if must_exist { 512 } else { 2 };
        Ok(match &database.url {
            DatabaseUrl::Memory => {
                let store = Arc::new(MemoryStore::default());
                Self::new(store, |_| Connections::default(), NonZeroUsize::MIN, meter, DatabaseLabels::of("memory"))
            }
            DatabaseUrl::Sqlite { path } => {
                let store = Arc::new(
                    SqliteStore::connect(&SqliteOptions { must_exist, cache_mib, ..sqlite_options(database, path) })
                        .await?,
                );
                let labels = DatabaseLabels::of("sqlite");
                let metered = Self::new(Arc::clone(&store), SqliteStore::connections, NonZeroUsize::MIN, meter, labels);
                Self { sqlite: Some(store), ..metered }
            }
            DatabaseUrl::Postgres { url } => {
                let options = PgOptions { must_exist, ..postgres_options(database, url.expose()) };
                let store = Arc::new(PgStore::connect(&options).await?);
                let faults = store.faults().iter().map(ToString::to_string);
                let found = Found {
                    server: Some(store.behind().to_string()),
                    hosts: store.hosts().map(str::to_owned),
                    warnings: faults.chain(store.behind().advice()).collect(),
                };
                let keeps_usage = store.keeps_usage();
                let (moved, placement, lanes) = (Arc::clone(&store), store.placement(), store.lanes());
                let (behind, engine) = (store.behind(), store.behind().engine());
                let labels = DatabaseLabels { engine: engine.name(), role: engine.role(), pooler: behind.pooler() };
                let metered = Self::new(store, PgStore::connections, lanes, meter, labels);
                Self { keeps_usage, found, placement, moves: Arc::new(move || moved.moves()), ..metered }
            }
        })
    }
}

/// Migrates the database to the current layout, and does nothing else.
///
/// # Errors
///
/// Returns [`OpenError`] if the database cannot be opened or migrated.
pub async fn migrate(database: &Database) -> Result<(), OpenError> {
    match &database.url {
        DatabaseUrl::Memory => Ok(()),
        DatabaseUrl::Sqlite { path } => Ok(SqliteStore::migrate(&sqlite_options(database, path)).await?),
        DatabaseUrl::Postgres { url } => Ok(PgStore::migrate(&postgres_options(database, url.expose())).await?),
    }
}

/// A database that can be distributed over nodes.
pub(crate) struct Distributable(PgOptions);

/// Returns the configured database if it can be distributed.
pub(crate) fn distributable(database: &Database) -> Option<Distributable> {
    match &database.url {
        DatabaseUrl::Memory | DatabaseUrl::Sqlite { .. } => None,
        DatabaseUrl::Postgres { url } => Some(Distributable(postgres_options(database, url.expose()))),
    }
}

impl Distributable {
    /// Finds out what its distribution takes.
    pub(crate) async fn plan(&self, shards: NonZeroU32) -> Result<Distribution, DistributeError> {
        PgStore::plan_distribution(&self.0, shards).await
    }

    /// Distributes it.
    pub(crate) async fn distribute(&self, shards: NonZeroU32) -> Result<Distribution, DistributeError> {
        PgStore::distribute(&self.0, shards).await
    }
}

/// Returns the kind of the configured store, and the names of its migrations, which have all run once it is open.
pub(super) fn describe(database: &Database) -> (&'static str, Vec<String>) {
    match &database.url {
        DatabaseUrl::Memory => ("Memory: everything is lost at the end of the process", Vec::new()),
        DatabaseUrl::Sqlite { path: _ } => ("SQLite", SqliteStore::migrations()),
        DatabaseUrl::Postgres { url: _ } => ("Postgres", PgStore::migrations()),
    }
}

pub(super) fn sqlite_options(database: &Database, path: &Path) -> SqliteOptions {
    SqliteOptions { durability: database.durability, ..SqliteOptions::new(path) }
}

pub(super) fn postgres_options(database: &Database, url: &str) -> PgOptions {
    PgOptions {
        durability: database.durability,
        max_connections: database.max_connections,
        statement_timeout_ms: u64::try_from(database.statement_timeout.as_millis()).unwrap_or(u64::MAX),
        ..PgOptions::new(url)
    }
}
