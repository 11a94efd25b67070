use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keymint_ports::StoreError;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Shards;
use crate::error::store_error;
use crate::lent::{Lent, Pool};

/// The time between two looks at the shards, if nothing fails.
const PAUSE: Duration = Duration::from_secs(10);

/// The shortest time between two looks.
const REST: Duration = Duration::from_secs(1);

/// The shards as they were seen last.
#[derive(Debug)]
pub(crate) struct ShardMap {
    seen: RwLock<Arc<Shards>>,
    /// Asks for a look.
    doubt: Notify,
}

impl ShardMap {
    pub(crate) fn new(shards: Shards) -> Self {
        Self { seen: RwLock::new(Arc::new(shards)), doubt: Notify::new() }
    }

    /// Returns the shards.
    pub(crate) fn seen(&self) -> Arc<Shards> {
        Arc::clone(&self.seen.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for a look soon: a call has failed, maybe since a shard has moved.
    pub(crate) fn doubt(&self) {
        self.doubt.notify_one();
    }

    fn replace(&self, shards: Shards) {
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shards);
    }
}

/// Looks at the shards from time to time, and when a call has failed. The task ends with the returned value.
pub(crate) fn follow(map: Arc<ShardMap>, pool: Arc<Pool>) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            sleep(REST).await;
            // Either a doubt or the end of the pause.
            let _ = timeout(PAUSE, map.doubt.notified()).await;
            if let Err(error) = look(&map, &pool).await {
                tracing::debug!("the shards of keys cannot be looked at: {error}");
            }
        }
    });
    task
}

async fn look(map: &ShardMap, pool: &Pool) -> Result<(), StoreError> {
    let found = call!(pool, ask)?;
    let seen = map.seen();
    if found == *seen {
        return Ok(());
    }
    if found.len() == 0 {
        tracing::warn!("keys are not in shards any more: start the server again");
        return Ok(());
    }
    tracing::info!(shards = found.len(), nodes = found.nodes(), "the shards of keys have moved");
    map.replace(found);
    Ok(())
}

async fn ask(connection: &mut Lent) -> Result<Shards, StoreError> {
    Shards::look(connection).await.map_err(store_error)
}
