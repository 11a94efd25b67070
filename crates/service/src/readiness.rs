//! Readiness: whether verifications succeed, known from those that do, or else from a probe, at most once a second
//! however many requests there are.

use std::time::Duration;

use keymint_domain::Timestamp;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::Attempt;
use keymint_ports::StoreError;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::{Keys, ServiceError, stopwatch};

/// The time for which a batch that was written proves readiness, in milliseconds.
const WRITE_COUNTS_MS: u64 = 2000;
/// The time for which the answer to a probe is valid, in milliseconds.
const PROBE_COUNTS_MS: u64 = 1000;
/// The timeout of a probe. Load balancers do not wait longer either.
const PATIENCE: Duration = Duration::from_secs(1);

/// The last probe's answer, and its instant. One request holds the lock and probes, and the others wait for its answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Timestamp, Result<(), StoreError>)>>);

impl Readiness {
    /// Fails if verifications fail, or take too long.
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
            // Any failure may pass, so that it is reported as temporary.
            Ok(answer) => answer.map_err(StoreError::unavailable),
        };
        *last = Some((now, answer.clone()));
        Ok(answer?)
    }
}

/// Returns true if an event `at` an instant is still recent. A clock that was set back makes nothing recent.
fn counts(at: Timestamp, now: Timestamp, for_ms: u64) -> bool {
    at <= now && now < at.plus_millis(for_ms)
}

/// Settles an attempt like a verification, which proves that the lanes settle batches, and probes the store for writes.
/// The attempt writes nothing, because no key matches.
async fn probe(keys: &Keys) -> Result<(), ServiceError> {
    // In shards it would ask the node of that key alone. A node that is down fails its own keys, and the others are served.
    if keys.verifier.is_whole() {
        let of_nobody = Attempt::new(&PlainKey::new(String::new()), &keys.policy);
        keys.verifier.settle(of_nobody, stopwatch()).await?;
    }
    Ok(keys.store.probe().await?)
}
