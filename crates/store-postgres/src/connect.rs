use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool};

use crate::behind::Behind;
use crate::engine::Engine;
use crate::error::{open_error, refuses_settings, url_error};
use crate::hosts::{Found, Watch, find, watch};
use crate::lent::Pool;
use crate::pools::Maker;
use crate::shards::{ShardMap, Shards};
use crate::spend::RememberedRows;
use crate::url::{Host, PgUrl};
use crate::{ConnectError, PgOptions};

/// The connections of a store.
pub(crate) struct Opened {
    /// For all but the batches.
    pub(crate) pool: Arc<Pool>,
    /// For the batches, which nobody else can use up.
    pub(crate) lanes: Arc<Pool>,
    pub(crate) behind: Behind,
    /// The shards of the keys; `None` = they are in one table.
    pub(crate) shards: Option<Arc<ShardMap>>,
    /// Follows the host that takes writes, if the URL asks for it.
    pub(crate) watch: Option<Watch>,
}

/// Opens both pools and their first connection, and finds out what answers.
///
/// A pooler may refuse settings at the start of a session. Then the role must have them.
///
/// # Errors
/// The database cannot be used.
pub(crate) async fn open(options: &PgOptions, rows: &Arc<RememberedRows>) -> Result<Opened, ConnectError> {
    let (host, found) = look_for_host(options).await?;
    let mut maker = Maker::new(options, rows, found.as_ref().map(|found| Arc::clone(&found.history)));
    let connections = match maker.open(&host).await {
        Err(error) if refuses_settings(&error) => {
            maker.forgo_settings();
            maker.open(&host).await
        }
        outcome => outcome,
    };
    let mut connections = connections.map_err(open_error)?;
    let (engine, shards) = look_at_engine(&connections).await?;
    if let Some(shards) = &shards {
        connections.close().await;
        maker.suit_shards(shards);
        connections = maker.open(&host).await.map_err(open_error)?;
    }
    let behind = Behind::look(engine, &connections, &maker.session(&host), maker.settings()).await?;
    let lanes = maker.lanes(&host, &connections);
    let shards = shards.map(|shards| Arc::new(ShardMap::new(shards)));
    let pool = |connections| Arc::new(Pool::new(connections, maker.deadline(), found.is_some(), shards.clone()));
    let (pool, lanes) = (pool(connections), pool(lanes));
    let watch = found.map(|found| watch(found, maker, Arc::clone(&pool), Arc::clone(&lanes)));
    Ok(Opened { pool, lanes, behind, shards, watch })
}

async fn look_at_engine(connections: &PgPool) -> Result<(Engine, Option<Shards>), ConnectError> {
    let mut connection = connections.acquire().await.map_err(open_error)?;
    let engine = Engine::look(&mut connection).await?;
    let shards = engine.shards(&mut connection).await?;
    Ok((engine, shards))
}

/// Returns the options of a connection to the host that takes writes, without settings.
///
/// # Errors
/// The URL cannot be read, or no host takes writes.
pub(crate) async fn present_host(options: &PgOptions) -> Result<PgConnectOptions, ConnectError> {
    look_for_host(options).await.map(|(host, _)| host)
}

/// A single host is taken as it is, unless the URL asks for one that takes writes.
async fn look_for_host(options: &PgOptions) -> Result<(PgConnectOptions, Option<Found>), ConnectError> {
    let url = PgUrl::parse(&options.url).map_err(url_error)?;
    let mut hosts = url.hosts().map_err(url_error)?;
    if url.is_watched() {
        let found = find(hosts, Duration::from_millis(options.acquire_timeout_ms)).await?;
        return Ok((found.present().options.clone(), Some(found)));
    }
    let Host { options, .. } = hosts.remove(0);
    Ok((options, None))
}

#[cfg(test)]
mod tests {
    use keymint_ports::Durability;
    use sqlx::{query, query_scalar};

    use super::*;

    #[tokio::test]
    async fn sessions_are_told_what_the_options_say() {
        let url = keymint_test_postgres::database().await;
        set_default_isolation(&url).await;
        for (durability, synchronous_commit) in [(Durability::Full, "on"), (Durability::Normal, "off")] {
            let options = PgOptions { durability, statement_timeout_ms: 1234, ..PgOptions::new(&url) };
            let Opened { pool, .. } = open(&options, &Arc::new(RememberedRows::new())).await.unwrap();
            let ask =
                async |question| query_scalar::<_, String>(question).fetch_one(&pool.connections()).await.unwrap();
            assert_eq!(ask("show synchronous_commit").await, synchronous_commit);
            assert_eq!(ask("show statement_timeout").await, "1234ms");
            assert_eq!(ask("show idle_in_transaction_session_timeout").await, "2234ms");
            assert_eq!(ask("show application_name").await, "keymint");
            assert_eq!(ask("show transaction_isolation").await, "read committed");
        }
    }

    /// Makes the database's default stricter.
    async fn set_default_isolation(url: &str) {
        const ALTER: &str =
            "do $$ begin execute format('alter database %I set default_transaction_isolation = serializable',
            current_database()); end $$";
        let Opened { pool, .. } = open(&PgOptions::new(url), &Arc::new(RememberedRows::new())).await.unwrap();
        query(ALTER).execute(&pool.connections()).await.unwrap();
    }

    #[tokio::test]
    async fn options_of_the_url_stay() {
        let url = keymint_test_postgres::database().await;
        let options = PgOptions::new(format!("{url}&options=-c%20lock_timeout%3D77"));
        let Opened { pool, .. } = open(&options, &Arc::new(RememberedRows::new())).await.unwrap();
        let timeout = query_scalar::<_, String>("show lock_timeout").fetch_one(&pool.connections()).await.unwrap();
        assert_eq!(timeout, "77ms");
    }
}
