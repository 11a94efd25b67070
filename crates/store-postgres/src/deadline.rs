use std::time::Duration;

use keymint_ports::StoreError;
use tokio::time::timeout;

/// The time after which a call is given up with its connection.
///
/// The server ends a statement itself when its time is over, and says so. If nothing comes a second later nobody is
/// there: a peer can fall silent without an end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Duration);

/// The time beyond what the server allows itself.
const GRACE: Duration = Duration::from_secs(1);

/// The time of a statement that may take any.
const ANY: Duration = Duration::from_hours(1);

impl Deadline {
    /// Returns the deadline of statements that the server ends after so many milliseconds; 0 = never.
    pub(crate) fn of_statements(timeout_ms: u64) -> Self {
        let allowed = if timeout_ms == 0 { ANY } else { Duration::from_millis(timeout_ms) };
        Self(allowed.saturating_add(GRACE))
    }

    /// Returns the milliseconds, as a setting of a session holds them.
    pub(crate) fn as_setting(self) -> String {
        i32::try_from(self.0.as_millis()).unwrap_or(i32::MAX).to_string()
    }

    /// Waits for a call, and gives it up in time. Its connection is of no use any more then, and its outcome is
    /// unknown.
    ///
    /// # Errors
    /// Those of the call, and [`StoreError::Unavailable`] when it is given up.
    pub(crate) async fn bound<T, E: From<StoreError>>(self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let unanswered = |_| Err(StoreError::unavailable("the server has not answered in time").into());
        timeout(self.0, call).await.unwrap_or_else(unanswered)
    }
}
