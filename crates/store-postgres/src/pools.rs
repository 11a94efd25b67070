use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use keymint_ports::Durability;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::behind::MARK;
use crate::deadline::Deadline;
use crate::engine::plans;
use crate::hosts::{History, check_admitted};
use crate::lent::SIGN_OF_LIFE;
use crate::shards::Shards;
use crate::spend::RememberedRows;
use crate::{PgOptions, PgStore};

/// The age of a use up to which a connection counts as alive: a ping would cost every call a round trip.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// The longest time that a batch waits for a locked row, in milliseconds.
const LOCK_TIMEOUT: (&str, &str) = ("lock_timeout", "50");

/// A setting of a session, and its value.
pub(crate) type Setting = (&'static str, String);

/// Makes the pools of a store, to any host of its database.
pub(crate) struct Maker {
    options: PgOptions,
    rows: Arc<RememberedRows>,
    settings: Vec<Setting>,
    takes_settings: bool,
    /// The number of nodes that hold shards of keys.
    nodes: usize,
    /// Keeps connections from hosts that must not be written to; `None` = one host, that is not watched.
    history: Option<Arc<History>>,
}

impl Maker {
    pub(crate) fn new(options: &PgOptions, rows: &Arc<RememberedRows>, history: Option<Arc<History>>) -> Self {
        let settings = settings(options, Deadline::of_statements(options.statement_timeout_ms), false);
        Self { options: options.clone(), rows: Arc::clone(rows), settings, takes_settings: true, nodes: 1, history }
    }

    /// Starts sessions without settings from now on.
    pub(crate) fn forgo_settings(&mut self) {
        self.takes_settings = false;
    }

    /// Starts sessions that suit keys in shards from now on.
    pub(crate) fn suit_shards(&mut self, shards: &Shards) {
        self.settings = settings(&self.options, self.deadline(), true);
        self.nodes = shards.nodes();
    }

    pub(crate) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::of_statements(self.options.statement_timeout_ms)
    }

    /// Returns the options of a connection to a host.
    pub(crate) fn session(&self, host: &PgConnectOptions) -> PgConnectOptions {
        if !self.takes_settings {
            return host.clone();
        }
        let settings = self.settings.iter().map(|(name, value)| (*name, value.as_str()));
        host.clone().options(settings.chain([MARK]))
    }

    /// Makes the pool for all but the batches, with its first connection.
    ///
    /// # Errors
    /// The host cannot be connected to.
    pub(crate) async fn open(&self, host: &PgConnectOptions) -> Result<PgPool, sqlx::Error> {
        self.pool(self.share_of_others()).connect_with(self.session(host)).await
    }

    /// Makes the pool of the lanes, beside `others`. If there is only one connection, all calls share it, and it may wait for
    /// locks.
    pub(crate) fn lanes(&self, host: &PgConnectOptions, others: &PgPool) -> PgPool {
        let session = self.session(host);
        let session = if self.takes_settings { session.options([LOCK_TIMEOUT]) } else { session };
        match lanes_share(self.options.max_connections, self.nodes) {
            0 => others.clone(),
            max => self.pool(max).connect_lazy_with(session),
        }
    }

    /// Makes both pools without a connection: that for all but the batches, and that of the lanes.
    pub(crate) fn pools(&self, host: &PgConnectOptions) -> (PgPool, PgPool) {
        let others = self.pool(self.share_of_others()).connect_lazy_with(self.session(host));
        let lanes = self.lanes(host, &others);
        (others, lanes)
    }

    fn share_of_others(&self) -> u32 {
        let max = self.options.max_connections.max(1);
        max - lanes_share(max, self.nodes)
    }

    /// Each new connection may lead to another server, that has taken the place of the one before: the remembered rows
    /// begin anew with it.
    fn pool(&self, max: u32) -> PgPoolOptions {
        let (rows, history) = (Arc::clone(&self.rows), self.history.clone());
        PgPoolOptions::new()
            .max_connections(max)
            .acquire_timeout(Duration::from_millis(self.options.acquire_timeout_ms))
            .after_connect(move |connection, _| {
                rows.clear();
                let history = history.clone();
                Box::pin(async move {
                    match history {
                        None => Ok(()),
                        Some(history) => check_admitted(connection, &history).await,
                    }
                })
            })
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > TRUSTED_FOR {
                        ping(connection).await?;
                    }
                    Ok(true)
                })
            })
    }
}

/// Returns the number of connections that belong to the lanes of all nodes, with the one beside them: half of all at most.
pub(crate) fn lanes_share(max_connections: u32, nodes: usize) -> u32 {
    let wanted = u32::try_from(PgStore::LANES.get() * nodes + 1).unwrap_or(u32::MAX);
    wanted.min(max_connections / 2)
}

/// Returns the number of batches of a node that are in flight at once. Those of a node that does not answer leave
/// connections to the others, if there are any.
pub(crate) fn lanes_of_node(max_connections: u32, nodes: usize) -> NonZeroUsize {
    if nodes < 2 {
        return PgStore::LANES;
    }
    let beside_one = usize::try_from(lanes_share(max_connections, nodes)).unwrap_or(usize::MAX).saturating_sub(1);
    NonZeroUsize::new(beside_one / nodes).unwrap_or(NonZeroUsize::MIN).min(PgStore::LANES)
}

/// Pings an idle connection. One that does not answer is replaced.
async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    timeout(SIGN_OF_LIFE, connection.ping())
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Returns the settings of a session, which it gets at its start: a pooler may give each transaction another one.
fn settings(options: &PgOptions, deadline: Deadline, is_sharded: bool) -> Vec<Setting> {
    let synchronous_commit = match options.durability {
        Durability::Full => "on",
        Durability::Normal => "off",
    };
    let mut settings = vec![
        ("statement_timeout", options.statement_timeout_ms.to_string()),
        // The server frees the rows of a session without a client as soon as its call has timed out here.
        ("idle_in_transaction_session_timeout", deadline.as_setting()),
        ("tcp_user_timeout", deadline.as_setting()),
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        ("synchronous_commit", synchronous_commit.to_owned()),
        // For single statements. A stricter default would fail one of two conflicting statements.
        ("default_transaction_isolation", "read committed".to_owned()),
        // The costs of a plan for any values are not those of its work: a list of 100 keys would be compiled for 0.2 s.
        ("jit", "off".to_owned()),
    ];
    settings.extend(plans(is_sharded));
    settings
}
