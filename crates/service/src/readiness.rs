//! Whether verifications succeed: seen by those that do, or else by a probe, no more than once a second however many ask.

use std::time::Duration;

use keymint_domain::Timestamp;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::Attempt;
use keymint_ports::StoreError;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::{Keys, ServiceError, stopwatch};

/// How long a batch counts that was written, in milliseconds.
const WRITE_COUNTS_MS: u64 = 2000;
/// How long the answer to a probe counts, in milliseconds.
const PROBE_COUNTS_MS: u64 = 1000;
/// How long a probe may take. Load balancers do not wait longer either.
const PATIENCE: Duration = Duration::from_secs(1);

/// The last probe's answer, and when it was asked for. Its lock lets one ask, and the others wait for what it hears.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Timestamp, Result<(), StoreError>)>>);

impl Readiness {
    /// Fails where verifications do, or take too long.
    pub(crate) async fn of(&self, keys: &Keys) -> Result<(), ServiceError> {
        if counts(keys.verifier.last_write(), keys.clock.now(), WRITE_COUNTS_MS) {
            return Ok(());
        }
        let mut last = self.0.lock().await;
        let now = keys.clock.now();
        if let Some((at, answer)) = &*last
            && counts(*at, now, PROBE_COUNTS_MS)
        {
            return Ok(answer.clone()?);
        }
        let answer = match timeout(PATIENCE, probe(keys)).await {
            Err(_) => Err(StoreError::unavailable("a probe of the store takes too long")),
            // Whatever it is, it may pass.
            Ok(answer) => answer.map_err(StoreError::unavailable),
        };
        *last = Some((now, answer.clone()));
        Ok(answer?)
    }
}

/// Whether what happened `at` an instant still counts. A clock that was set back keeps nothing alive.
fn counts(at: Timestamp, now: Timestamp, for_ms: u64) -> bool {
    at <= now && now < at.plus_millis(for_ms)
}

/// Goes the way of a verification, which shows that the lanes settle batches; and writes, which one of a key that nobody has
/// does not.
async fn probe(keys: &Keys) -> Result<(), ServiceError> {
    let of_nobody = Attempt::new(&PlainKey::new(String::new()), &keys.policy);
    keys.verifier.settle(of_nobody, stopwatch()).await?;
    Ok(keys.store.probe().await?)
}
