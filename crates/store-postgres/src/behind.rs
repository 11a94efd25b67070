use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, query_scalar, raw_sql};
use tokio::time::timeout;

use crate::ConnectError;
use crate::engine::Engine;
use crate::error::open_error;
use crate::pools::Setting;

/// A setting that no server has. Sessions are started with it. A session without it was started by a pooler.
pub(crate) const MARK: (&str, &str) = ("keymint.session", "on");

/// The server behind the URL of a database, and the pooler before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    engine: Engine,
    pooler: Option<Pooler>,
}

/// A program between this process and the server, such as `PgBouncer`, which starts sessions by itself and passes no
/// settings on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pooler {
    /// The name that it gives itself, if it tells us.
    version: Option<String>,
    /// Transactions of one connection run in any session that is free.
    shares_sessions: bool,
    /// Statements that would give sessions the settings that they lack.
    mends: Vec<String>,
}

impl Behind {
    /// Looks at the server behind a pool whose sessions were to be started with these settings.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) async fn look(
        engine: Engine,
        pool: &PgPool,
        options: &PgConnectOptions,
        settings: &[Setting],
    ) -> Result<Self, ConnectError> {
        // Only simple statements, which leave nothing in a session that another client gets next.
        const LOOK: &str = "select coalesce(current_setting('keymint.session', true), ''), current_user::text";
        let mut connection = pool.acquire().await.map_err(open_error)?;
        let row = raw_sql(LOOK).fetch_one(&mut *connection).await.map_err(open_error)?;
        let told = |column: usize| row.try_get::<String, _>(column).map_err(open_error);
        let (mark, role) = (told(0)?, told(1)?);
        if mark == MARK.1 {
            return Ok(Self { engine, pooler: None });
        }
        let mends = mends(&mut connection, &role, settings).await?;
        let version = version(options).await;
        let mut other = PgConnection::connect_with(options).await.map_err(open_error)?;
        let shares_sessions = shares_sessions(&mut connection, &mut other).await.map_err(open_error)?;
        let found = Self { engine, pooler: Some(Pooler { version, shares_sessions, mends }) };
        if shares_sessions && !keeps_statements(&mut connection).await {
            return Err(ConnectError::ForgetfulPooler { found: found.to_string() });
        }
        // It may be closed after the answer; nobody waits for it.
        drop(other.close().await);
        Ok(found)
    }

    /// Returns the engine, on the other side of the pooler if there is one.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the program between this process and the server: `none`, `pgbouncer`, or `other` if it does not say.
    pub fn pooler(&self) -> &'static str {
        match &self.pooler {
            None => "none",
            Some(Pooler { version: Some(version), .. }) if version.starts_with("PgBouncer") => "pgbouncer",
            Some(_) => "other",
        }
    }

    /// Returns what an operator should change.
    pub fn advice(&self) -> impl Iterator<Item = String> {
        self.engine.warning().into_iter().chain(self.missing_settings())
    }

    fn missing_settings(&self) -> Option<String> {
        let mends = self.pooler.as_ref().map(|pooler| pooler.mends.as_slice()).filter(|mends| !mends.is_empty())?;
        Some(format!(
            "sessions lack settings that the pooler does not pass on; as their role or a superuser: {}; then make the pooler \
             connect anew",
            mends.join("; ")
        ))
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.engine)?;
        let Some(Pooler { version, shares_sessions, .. }) = &self.pooler else {
            return Ok(());
        };
        write!(f, " behind {}", version.as_deref().unwrap_or("a pooler"))?;
        f.write_str(if *shares_sessions {
            ", a session for each transaction"
        } else {
            ", a session for each connection"
        })
    }
}

/// Returns statements that give the role those settings that a session lacks.
async fn mends(connection: &mut PgConnection, role: &str, settings: &[Setting]) -> Result<Vec<String>, ConnectError> {
    let names: Vec<_> = settings.iter().map(|(name, _)| format!("'{name}'")).collect();
    let ask = format!("select name, setting from pg_settings where name in ({})", names.join(", "));
    let rows = raw_sql(AssertSqlSafe(ask)).fetch_all(connection).await.map_err(open_error)?;
    let is_so = |(name, value): &Setting| {
        rows.iter().any(|row| {
            let told = |column: usize| row.try_get::<String, _>(column).ok();
            told(0).as_deref() == Some(name) && told(1).as_ref() == Some(value)
        })
    };
    let role = role.replace('"', "\"\"");
    // A session on a Unix socket reports those of TCP as zero, regardless of its role's settings.
    let lacking = settings.iter().filter(|setting| !setting.0.starts_with("tcp_") && !is_so(setting));
    Ok(lacking.map(|(name, value)| format!(r#"alter role "{role}" set {name} = '{value}'"#)).collect())
}

/// Returns the name that the pooler gives itself. `PgBouncer` tells those who may read its statistics.
async fn version(options: &PgConnectOptions) -> Option<String> {
    const PATIENCE: Duration = Duration::from_secs(1);
    let asked = async {
        let mut console = PgConnection::connect_with(&options.clone().database("pgbouncer")).await.ok()?;
        let row = raw_sql("show version").fetch_one(&mut console).await.ok()?;
        row.try_get(0).ok()
    };
    timeout(PATIENCE, asked).await.ok().flatten()
}

/// Returns `true` if two connections, both open, were seen in one session.
async fn shares_sessions(one: &mut PgConnection, other: &mut PgConnection) -> Result<bool, sqlx::Error> {
    const LOOKS: u32 = 10;
    for _ in 0..LOOKS {
        if session(one).await? == session(other).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn session(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    raw_sql("select pg_backend_pid()::text").fetch_one(connection).await?.try_get(0)
}

/// Returns `true` if a pooler that shares sessions tracks the prepared statements of each connection, and renames them.
/// If it does not, a session may have no statement of that name, or another one.
async fn keeps_statements(connection: &mut PgConnection) -> bool {
    const HAS_OUR_NAME: &str = r"select exists (select 1 from pg_prepared_statements
        where name like 'sqlx\_s\_%' and statement like '%pg_prepared_statements%')";
    let seen = async {
        let mut transaction = connection.begin().await?;
        let seen: bool = query_scalar(HAS_OUR_NAME).fetch_one(&mut *transaction).await?;
        if seen {
            raw_sql("deallocate all").execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(seen)
    };
    matches!(seen.await, Ok(false))
}
