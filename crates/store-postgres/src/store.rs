use std::fmt;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use keymint_ports::{Connections, Placement};
use keymint_store_sql::Layout;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connect::Opened;
use crate::hosts::Watch;
use crate::lent::Pool;
use crate::needs::USAGE_TABLES;
use crate::pools::{lanes_of_node, lanes_share};
use crate::shards::{ShardMap, follow};
use crate::spend::RememberedRows;
use crate::{Behind, ConnectError, Fault, PgOptions, connect, migrate};

/// A handle on Keymint's rows in a Postgres database. Other handles, processes and Better Auth servers may use the same
/// one.
pub struct PgStore {
    pub(crate) pool: Arc<Pool>,
    /// The connections of the batches, which nobody else can use up.
    pub(crate) lanes: Arc<Pool>,
    pub(crate) layout: Layout,
    max_connections: u32,
    pub(crate) rows: Arc<RememberedRows>,
    faults: Vec<Fault>,
    /// The shards of keys; `None` = keys are in one table.
    pub(crate) shards: Option<Arc<ShardMap>>,
    /// The number of nodes that held shards when the store was opened.
    nodes: usize,
    _following: Option<JoinSet<()>>,
    behind: Behind,
    watch: Option<Watch>,
}

impl PgStore {
    /// The number of batches in flight at once that pays.
    pub const LANES: NonZeroUsize = NonZeroUsize::new(4).unwrap();

    /// Opens the database, and brings its tables up to date if they are not.
    ///
    /// # Errors
    /// The database cannot be used; [`ConnectError`] says why.
    pub async fn connect(options: &PgOptions) -> Result<Self, ConnectError> {
        let rows = Arc::new(RememberedRows::new());
        let Opened { pool, lanes, behind, shards, watch } = connect::open(options, &rows).await?;
        let (layout, faults) = told(migrate::migrate(&pool.connections(), options)).await?;
        let max_connections = options.max_connections;
        let nodes = shards.as_ref().map_or(1, |shards| shards.seen().nodes());
        let following = shards.as_ref().map(|shards| follow(Arc::clone(shards), Arc::clone(&pool)));
        Ok(Self {
            pool,
            lanes,
            layout,
            max_connections,
            rows,
            faults,
            shards,
            nodes,
            _following: following,
            behind,
            watch,
        })
    }

    /// Returns the number of connections that are open now.
    pub fn connections(&self) -> Connections {
        let is_shared = lanes_share(self.max_connections, self.nodes) == 0;
        let pools = [&self.pool, &self.lanes].into_iter().take(if is_shared { 1 } else { 2 });
        pools.fold(Connections::default(), |sum, pool| {
            let pool = pool.connections();
            let open = usize::try_from(pool.size()).unwrap_or(usize::MAX);
            let Connections { idle, used } = Connections::new(open, pool.num_idle());
            Connections { idle: sum.idle + idle, used: sum.used + used }
        })
    }

    /// Returns the number of batches in flight on a node that pays, and that there are connections for.
    pub fn lanes(&self) -> NonZeroUsize {
        lanes_of_node(self.max_connections, self.nodes)
    }

    /// Returns the places of keys, which follow shards that move.
    pub fn placement(&self) -> Placement {
        let Some(shards) = self.shards.clone() else { return Placement::default() };
        let numbers = [self.nodes, shards.seen().len()];
        let [nodes, numbers] = numbers.map(|number| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN));
        Placement::new(nodes, numbers, move |stored| shards.seen().of(stored))
    }

    /// Returns what answers behind the URL.
    pub fn behind(&self) -> &Behind {
        &self.behind
    }

    /// Returns one line about the hosts of the URL at the start, and the one that takes writes; `None` = one host, that is
    /// not watched.
    pub fn hosts(&self) -> Option<&str> {
        self.watch.as_ref().map(Watch::description)
    }

    /// Returns the number of times that the store has gone to another host of its URL.
    pub fn moves(&self) -> u64 {
        self.watch.as_ref().map_or(0, Watch::moves)
    }

    /// Returns the faults of the database that keep nobody from verifying keys: a part of the work with users or
    /// organizations fails.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Returns true if the statistics of uses can be kept: their tables have no faults.
    pub fn keeps_usage(&self) -> bool {
        self.faults.iter().all(|fault| !USAGE_TABLES.contains(&fault.table()))
    }

    /// Returns the names of the migrations, in their order. All of them have run on a database that is open.
    pub fn migrations() -> Vec<String> {
        migrate::migrations()
    }

    /// Brings the tables of the database up to date, and no more.
    ///
    /// # Errors
    /// Those of [`PgStore::connect`].
    pub async fn migrate(options: &PgOptions) -> Result<(), ConnectError> {
        Box::pin(Self::connect(options)).await.map(drop)
    }
}

/// Logs every ten seconds that a migration is running, or waits for that of another process. Either may take any time.
async fn told<T>(migration: impl Future<Output = T>) -> T {
    const NEWS: Duration = Duration::from_secs(10);
    let mut migration = pin!(migration);
    loop {
        if let Ok(outcome) = timeout(NEWS, &mut migration).await {
            return outcome;
        }
        tracing::warn!("still migrating, or waiting for another process that does");
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("layout", &self.layout).finish_non_exhaustive()
    }
}
