use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use tokio::time::timeout;
use url::Url;

use crate::behind::{Behind, MARK};
use crate::deadline::Deadline;
use crate::error::{open_error, refuses_settings, url_error};
use crate::lent::{Pool, SIGN_OF_LIFE};
use crate::parameters::check_parameters;
use crate::spend::RememberedRows;
use crate::{ConnectError, PgOptions, PgStore};
use keymint_ports::Durability;

/// The age of a use up to which a connection counts as alive: a ping would cost every call a round trip.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A setting of a session, and its value.
pub(crate) type Setting = (&'static str, String);

/// The connections of a store.
pub(crate) struct Opened {
    /// For all but the batches.
    pub(crate) pool: Pool,
    /// For the batches, which nobody else can use up.
    pub(crate) lanes: Pool,
    pub(crate) behind: Behind,
}

/// Opens both pools and their first connection, and finds out what answers.
///
/// A pooler may refuse settings at the start of a session. Then the role must have them.
///
/// # Errors
/// The database cannot be used.
pub(crate) async fn open(options: &PgOptions, rows: &Arc<RememberedRows>) -> Result<Opened, ConnectError> {
    let deadline = Deadline::of_statements(options.statement_timeout_ms);
    let (settings, bare) = (settings(options, deadline), connection(options)?);
    let with_settings =
        bare.clone().options(settings.iter().map(|(name, value)| (*name, value.as_str())).chain([MARK]));
    let max = options.max_connections.max(1);
    let open = |connection| pool(options, rows, max - lanes_share(max)).connect_with(connection);
    let (connections, asked, takes_settings) = match open(with_settings.clone()).await {
        Err(error) if refuses_settings(&error) => (open(bare.clone()).await, bare, false),
        outcome => (outcome, with_settings, true),
    };
    let connections = connections.map_err(open_error)?;
    let behind = Behind::look(&connections, &asked, &settings).await?;
    let pool = Pool { connections, deadline };
    let lanes = open_lanes(options, rows, &pool, if takes_settings { asked.options([LOCK_TIMEOUT]) } else { asked });
    Ok(Opened { pool, lanes, behind })
}

/// The longest time that a batch waits for a locked row, in milliseconds.
const LOCK_TIMEOUT: (&str, &str) = ("lock_timeout", "50");

/// Opens the connections of the lanes, beside `others`. If there is only one connection, all calls share it, and it may
/// wait for locks.
fn open_lanes(options: &PgOptions, rows: &Arc<RememberedRows>, others: &Pool, connection: PgConnectOptions) -> Pool {
    let connections = match lanes_share(options.max_connections) {
        0 => others.connections.clone(),
        max => pool(options, rows, max).connect_lazy_with(connection),
    };
    Pool { connections, deadline: others.deadline }
}

/// Returns the number of connections that belong to the lanes, with the one beside them: half of all at most.
pub(crate) fn lanes_share(max_connections: u32) -> u32 {
    let wanted = u32::try_from(PgStore::LANES.get() + 1).unwrap_or(u32::MAX);
    wanted.min(max_connections / 2)
}

/// Each new connection may lead to another server, that has taken the place of the one before: `rows` begins anew with
/// it.
fn pool(options: &PgOptions, rows: &Arc<RememberedRows>, max: u32) -> PgPoolOptions {
    let rows = Arc::clone(rows);
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(Duration::from_millis(options.acquire_timeout_ms))
        .after_connect(move |_, _| {
            rows.clear();
            Box::pin(async { Ok(()) })
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

/// Pings an idle connection. One that does not answer is replaced.
async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    timeout(SIGN_OF_LIFE, connection.ping())
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Returns the settings of a session, which it gets at its start: a pooler may give each transaction another one.
fn settings(options: &PgOptions, deadline: Deadline) -> Vec<Setting> {
    let synchronous_commit = match options.durability {
        Durability::Full => "on",
        Durability::Normal => "off",
    };
    vec![
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
        // Every statement looks for few rows by an index. The server plans it once, and for that: a plan of its own for
        // each batch would cost more than running it, and a small table would be read whole, dead rows included.
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
        // The costs of such a plan are not those of its work: a list of 100 keys would be compiled for 0.2 s.
        ("jit", "off".to_owned()),
    ]
}

/// Returns the options of a connection, without settings.
pub(crate) fn connection(options: &PgOptions) -> Result<PgConnectOptions, ConnectError> {
    // The driver would log unknown parameters.
    let url: Url = options.url.parse().map_err(url_error)?;
    check_parameters(&url).map_err(url_error)?;
    let connection: PgConnectOptions = options.url.parse().map_err(url_error::<sqlx::Error>)?;
    // There are no such numbers in these tables, and poolers refuse the setting.
    Ok(connection.application_name("keymint").extra_float_digits(None).disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use sqlx::{query, query_scalar};

    use super::*;

    #[tokio::test]
    async fn sessions_are_told_what_the_options_say() {
        let url = keymint_test_postgres::database().await;
        set_default_isolation(&url).await;
        for (durability, synchronous_commit) in [(Durability::Full, "on"), (Durability::Normal, "off")] {
            let options = PgOptions { durability, statement_timeout_ms: 1234, ..PgOptions::new(&url) };
            let Opened { pool, .. } = open(&options, &Arc::new(RememberedRows::new())).await.unwrap();
            let ask = async |question| query_scalar::<_, String>(question).fetch_one(&pool.connections).await.unwrap();
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
        query(ALTER).execute(&pool.connections).await.unwrap();
    }

    #[tokio::test]
    async fn options_of_the_url_stay() {
        let url = keymint_test_postgres::database().await;
        let options = PgOptions::new(format!("{url}&options=-c%20lock_timeout%3D77"));
        let Opened { pool, .. } = open(&options, &Arc::new(RememberedRows::new())).await.unwrap();
        let timeout = query_scalar::<_, String>("show lock_timeout").fetch_one(&pool.connections).await.unwrap();
        assert_eq!(timeout, "77ms");
    }
}
