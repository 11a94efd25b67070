//! The hosts of a database: the one that takes writes is found, watched and followed.

mod find;
mod history;
mod look;
mod watch;

use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::sleep;

use self::history::Refused;

pub(crate) use find::{Found, find};
pub(crate) use history::History;
pub(crate) use watch::{Watch, watch};

/// Checks that the server behind a new connection may be written to. A standby is given a moment to be promoted.
///
/// # Errors
/// It may not be written to, or does not answer.
pub(crate) async fn check_admitted(connection: &mut PgConnection, history: &History) -> Result<(), sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(100);
    const LOOKS: u32 = 10;
    for _ in 1..LOOKS {
        match history.admit(&look::ask(connection).await?) {
            Err(Refused::Standby) => sleep(PAUSE).await,
            outcome => return outcome.map(drop).map_err(|refused| io::Error::other(refused).into()),
        }
    }
    Err(io::Error::other(Refused::Standby).into())
}
