use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Row as _, raw_sql};
use tokio::time::timeout;

use crate::error::scrubbed;
use crate::url::Host;

/// The time that a host has for one look, the time to connect included.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) role: Role,
    /// The identifier that a database shares with its copies alone.
    pub(crate) system: String,
}

/// The part that a host plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It takes writes.
    Primary {
        /// The number of its history, which each promotion increments.
        timeline: u32,
    },
    /// It repeats what another host writes.
    Standby,
    /// It takes no writes by its settings.
    ReadOnly,
}

/// A host, with the connection that it is asked by.
pub(crate) struct Watched {
    pub(crate) host: Host,
    connection: Option<PgConnection>,
}

impl Watched {
    pub(crate) fn new(host: Host) -> Self {
        Self { host, connection: None }
    }

    /// Asks the host, by a new connection if the one before does not answer any more.
    ///
    /// # Errors
    /// The reason why it does not answer.
    pub(crate) async fn look(&mut self) -> Result<Answer, String> {
        let asked = async {
            if let Some(mut connection) = self.connection.take()
                && let Ok(answer) = ask(&mut connection).await
            {
                self.connection = Some(connection);
                return Ok(answer);
            }
            let mut connection = self.host.options.connect().await?;
            let answer = ask(&mut connection).await?;
            self.connection = Some(connection);
            Ok(answer)
        };
        match timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(|error: sqlx::Error| scrubbed(error).to_string()),
            Err(_) => Err("it does not answer in time".to_owned()),
        }
    }

    /// Asks by a new connection the next time: its address may have come to lead to another server.
    pub(crate) fn forget_connection(&mut self) {
        self.connection = None;
    }
}

/// Asks the server at the other end.
///
/// # Errors
/// It does not answer.
pub(crate) async fn ask(connection: &mut PgConnection) -> Result<Answer, sqlx::Error> {
    // Every role may call these. `pg_control_checkpoint` tells the timeline too, but only after the next checkpoint.
    const LOOK: &str = "select pg_is_in_recovery()::text, current_setting('transaction_read_only'),
        case when pg_is_in_recovery() then '0' else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end,
        (select system_identifier::text from pg_control_system())";
    let row = raw_sql(LOOK).fetch_one(connection).await?;
    let told = |column: usize| row.try_get::<String, _>(column);
    let timeline = u32::from_str_radix(&told(2)?, 16).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let role = match (told(0)?.as_str(), told(1)?.as_str()) {
        ("false", "off") => Role::Primary { timeline },
        ("false", _) => Role::ReadOnly,
        _ => Role::Standby,
    };
    Ok(Answer { role, system: told(3)? })
}
