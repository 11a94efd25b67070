use std::fmt;
use std::sync::Arc;

use keymint_ports::Connections;
use sqlx::postgres::PgPool;

use crate::key_store::spend::Memory;
use crate::layout::Layout;
use crate::{ConnectError, PgOptions, connect, migrate};

/// A handle on what Keymint keeps in a Postgres database. Other handles, processes and Better Auth servers may use the same one.
pub struct PgStore {
    pub(crate) pool: PgPool,
    pub(crate) layout: Layout,
    pub(crate) memory: Arc<Memory>,
}

impl PgStore {
    /// Opens the database and brings its tables up to date.
    pub async fn connect(options: &PgOptions) -> Result<Self, ConnectError> {
        let memory = Arc::new(Memory::new());
        let pool = connect::open(options, &memory).await?;
        let layout = migrate::migrate(&pool).await?;
        Ok(Self { pool, layout, memory })
    }

    /// The connections that are open now.
    pub fn connections(&self) -> Connections {
        Connections::new(usize::try_from(self.pool.size()).unwrap_or(usize::MAX), self.pool.num_idle())
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
