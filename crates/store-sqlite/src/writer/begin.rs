use std::thread::sleep;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

/// The interval of polling the lock of another process. Most transactions take a few of these.
const PAUSE: Duration = Duration::from_micros(200);

/// Begins a transaction that holds the lock on writing.
///
/// By default, SQLite polls the lock of another process less and less often, up to a tenth of a second apart, and two
/// busy processes starve each other. Here the interval is constant.
pub(crate) fn begin(connection: &Connection, patience: Duration) -> Result<Transaction<'_>, rusqlite::Error> {
    connection.busy_timeout(Duration::ZERO)?;
    let mut waited = Duration::ZERO;
    let begun = loop {
        match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < patience => {
                sleep(PAUSE);
                waited += PAUSE;
            }
            outcome => break outcome,
        }
    };
    connection.busy_timeout(patience)?;
    begun
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_lock_of_another_connection_is_waited_for_as_long_as_patience_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("keymint.db")).unwrap();
        let (mine, theirs) = (open(), open());
        let (held, is_held) = mpsc::channel();
        let (release, is_released) = mpsc::channel();
        let other = thread::spawn(move || {
            let lock = Transaction::new_unchecked(&theirs, TransactionBehavior::Immediate).unwrap();
            held.send(()).unwrap();
            is_released.recv().unwrap();
            sleep(20 * PAUSE);
            drop(lock);
        });
        is_held.recv().unwrap();
        let refused = begin(&mine, Duration::ZERO).unwrap_err();
        assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
        release.send(()).unwrap();
        begin(&mine, Duration::from_mins(1)).unwrap().commit().unwrap();
        other.join().unwrap();
    }
}
