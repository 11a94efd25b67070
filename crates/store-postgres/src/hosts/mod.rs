//! The hosts of a database: the one that takes writes is found, watched and followed.

mod find;
mod history;
mod look;
mod watch;

pub(crate) use find::{Found, find};
pub(crate) use history::History;
pub(crate) use watch::{Watch, watch};

use sqlx::postgres::PgConnection;
use std::time::Duration;
use tokio::time::sleep;

/// Waits until the server behind a new connection may be written to. Whoever waits for the connection gives up in time.
///
/// # Errors
/// The connection broke.
pub(crate) async fn until_admitted(connection: &mut PgConnection, history: &History) -> Result<(), sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(100);
    while history.admit(&look::ask(connection).await?).is_err() {
        sleep(PAUSE).await;
    }
    Ok(())
}
