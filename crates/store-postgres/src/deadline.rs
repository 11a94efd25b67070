use std::time::Duration;

use keymint_ports::StoreError;
use tokio::time::timeout;

/// How long a call waits for the server before it is given up with its connection.
///
/// The server ends a statement itself when its time is over, and says so. Who hears nothing a second later is talking to nobody:
/// a peer can fall silent without an end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Duration);

/// Beyond what the server allows itself.
const GRACE: Duration = Duration::from_secs(1);

/// What stands for a statement that may take any time.
const ANY: Duration = Duration::from_hours(1);

impl Deadline {
    /// Of statements that the server ends after so many milliseconds; 0 = never.
    pub(crate) fn of_statements(timeout_ms: u64) -> Self {
        let allowed = if timeout_ms == 0 { ANY } else { Duration::from_millis(timeout_ms) };
        Self(allowed.saturating_add(GRACE))
    }

    /// Milliseconds, as a setting of a session holds them.
    pub(crate) fn as_setting(self) -> String {
        i32::try_from(self.0.as_millis()).unwrap_or(i32::MAX).to_string()
    }

    /// Waits for a call, and gives it up in time. Its connection is of no use any more then, and what the server did of it unknown.
    pub(crate) async fn bound<T, E: From<StoreError>>(self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let unanswered = |_| Err(StoreError::unavailable("the server has not answered in time").into());
        timeout(self.0, call).await.unwrap_or_else(unanswered)
    }
}
