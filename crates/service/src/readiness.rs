//! Whether the store answers, asked no more than once a second however many ask for it.

use std::time::Duration;

use keymint_domain::Timestamp;
use keymint_ports::{Clock, KeyStore, StoreError};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long an answer counts, in milliseconds.
const FRESH_MS: u64 = 1000;
/// How long the store may take to answer. Load balancers do not wait longer either.
const PATIENCE: Duration = Duration::from_secs(1);

/// The last answer, and when it was asked for. Its lock lets one ask, and the others wait for what it hears.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Timestamp, Result<(), StoreError>)>>);

impl Readiness {
    /// Fails where the store does not answer, or took too long when it was last asked.
    pub(crate) async fn of(&self, store: &dyn KeyStore, clock: &dyn Clock) -> Result<(), StoreError> {
        let mut last = self.0.lock().await;
        let now = clock.now();
        if let Some((at, answer)) = &*last
            // A clock that was set back must not keep an old answer alive.
            && *at <= now
            && now < at.plus_millis(FRESH_MS)
        {
            return answer.clone();
        }
        let answer = timeout(PATIENCE, store.ping()).await;
        let answer = answer.unwrap_or_else(|_| Err(StoreError::unavailable("the store takes too long to answer")));
        *last = Some((now, answer.clone()));
        answer
    }
}
