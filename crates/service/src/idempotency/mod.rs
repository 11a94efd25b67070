//! Retried uses: a gateway that got no answer retries, and its client must not pay twice.
//!
//! The first request starts the use, in a task of its own, so that it completes whoever waits for it. Concurrent
//! retries wait for its outcome. Only the fact that it was paid is remembered, for a window, in this process: a later
//! retry is judged by the key's state at that time, except for the limits.

mod recent;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keymint_domain::verify::{Fingerprint, Refusal, Verdict};
use keymint_ports::{Clock, StoreError};
use tokio::sync::watch;

use crate::ServiceError;
use recent::Recent;

/// The largest number of remembered uses, which take some 20 MB.
const MAX_USES: usize = 100_000;

/// Remembers the uses that were paid.
pub(crate) struct Idempotency {
    recent: Arc<Mutex<Recent<State>>>,
    clock: Arc<dyn Clock>,
}

/// The progress of a use.
#[derive(Clone)]
enum State {
    UnderWay(watch::Receiver<Option<Outcome>>),
    Paid,
}

/// The outcome of a use, for those who wait for it.
#[derive(Clone)]
enum Outcome {
    Paid,
    Refused(Refusal),
    Failed(ServiceError),
}

/// The answer to a request for a use.
pub(crate) enum RepeatOutcome {
    /// The use was settled, with this verdict.
    Settled(Verdict),
    /// The use was paid before.
    Paid,
}

impl Idempotency {
    /// Returns an empty memory that remembers each use for `window_ms`.
    pub(crate) fn new(clock: Arc<dyn Clock>, window_ms: u64) -> Self {
        Self { recent: Arc::new(Mutex::new(Recent::new(window_ms, MAX_USES))), clock }
    }

    /// Settles a use by `settle`, unless it was requested before.
    ///
    /// A refusal or a failure is reported to those who wait for it, and then forgotten, so that a later retry is
    /// settled again.
    ///
    /// # Errors
    ///
    /// Returns the error of `settle`, or [`ServiceError::Store`] if its task was aborted.
    pub(crate) async fn once(
        &self,
        id: Fingerprint,
        settle: impl Future<Output = Result<Verdict, ServiceError>> + Send + 'static,
    ) -> Result<RepeatOutcome, ServiceError> {
        let (told, outcome) = watch::channel(None);
        // The known state, or the number of the new use.
        let known = {
            let now = self.clock.now();
            let mut recent = lock(&self.recent);
            match recent.get(&id, now) {
                Some(state) => Ok(state.clone()),
                None => Err(recent.put(id, now, State::UnderWay(outcome))),
            }
        };
        match known {
            Err(number) => {
                let running = run(Arc::clone(&self.recent), number, settle, told);
                let verdict = tokio::spawn(running).await.map_err(StoreError::unavailable)??;
                Ok(RepeatOutcome::Settled(verdict))
            }
            Ok(State::Paid) => Ok(RepeatOutcome::Paid),
            Ok(State::UnderWay(mut outcome)) => {
                let outcome = outcome.wait_for(Option::is_some).await.map_err(StoreError::unavailable)?.clone();
                match outcome {
                    Some(Outcome::Paid) => Ok(RepeatOutcome::Paid),
                    Some(Outcome::Refused(refusal)) => Ok(RepeatOutcome::Settled(Verdict::Refused(refusal))),
                    Some(Outcome::Failed(error)) => Err(error),
                    None => Err(StoreError::unavailable("the use was abandoned").into()),
                }
            }
        }
    }
}

/// Settles a use, remembers if it was paid, and reports the outcome to those who wait.
async fn run(
    recent: Arc<Mutex<Recent<State>>>,
    number: u64,
    settle: impl Future<Output = Result<Verdict, ServiceError>> + Send,
    told: watch::Sender<Option<Outcome>>,
) -> Result<Verdict, ServiceError> {
    let settled = settle.await;
    let outcome = match &settled {
        Ok(Verdict::Accepted(_)) => Outcome::Paid,
        Ok(Verdict::Refused(refusal)) => Outcome::Refused(refusal.clone()),
        Err(error) => Outcome::Failed(error.clone()),
    };
    match outcome {
        Outcome::Paid => lock(&recent).replace(number, State::Paid),
        Outcome::Refused(_) | Outcome::Failed(_) => lock(&recent).remove(number),
    }
    told.send_replace(Some(outcome));
    settled
}

fn lock(recent: &Mutex<Recent<State>>) -> MutexGuard<'_, Recent<State>> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idempotency")
    }
}
