use std::fmt;
use std::sync::Arc;

use keymint_ports::Connections;
use sqlx::postgres::PgPool;

use crate::key_store::spend::Memory;
use crate::layout::Layout;
use crate::{Behind, ConnectError, Fault, PgOptions, connect, migrate};

/// A handle on what Keymint keeps in a Postgres database. Other handles, processes and Better Auth servers may use the same one.
pub struct PgStore {
    pub(crate) pool: PgPool,
    pub(crate) layout: Layout,
    pub(crate) memory: Arc<Memory>,
    faults: Vec<Fault>,
    behind: Behind,
}

impl PgStore {
    /// Opens the database, and brings its tables up to date where they are not.
    pub async fn connect(options: &PgOptions) -> Result<Self, ConnectError> {
        let memory = Arc::new(Memory::new());
        let (pool, behind) = connect::open(options, &memory).await?;
        let (layout, faults) = migrate::migrate(&pool, options).await?;
        Ok(Self { pool, layout, memory, faults, behind })
    }

    /// The connections that are open now.
    pub fn connections(&self) -> Connections {
        Connections::new(usize::try_from(self.pool.size()).unwrap_or(usize::MAX), self.pool.num_idle())
    }

    /// What answers behind the URL.
    pub fn behind(&self) -> &Behind {
        &self.behind
    }

    /// What is wrong with the database that keeps nobody from verifying keys: a part of what users or organizations do
    /// cannot work.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Brings the tables of the database up to date, and no more.
    pub async fn migrate(options: &PgOptions) -> Result<(), ConnectError> {
        Self::connect(options).await.map(drop)
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("layout", &self.layout).finish_non_exhaustive()
    }
}
