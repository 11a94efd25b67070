//! Uses that are asked for once more: a gateway that got no answer asks again, and its client must not pay twice.
//!
//! The first who asks starts the use, in a task of its own, so that it comes to its end whoever waits for it. Those who
//! ask for the same while it is under way wait for it. That it was paid is remembered for a window, in this process, and
//! nothing else of it: whoever asks later is judged by the key as it is then, limits apart.

mod recent;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keymint_domain::verify::{Fingerprint, Refusal, Verdict};
use keymint_ports::{Clock, StoreError};
use tokio::sync::watch;

use crate::ServiceError;
use recent::Recent;

/// Uses that are remembered at most: some 20 MB.
const MAX_USES: usize = 100_000;

/// Remembers which uses were paid.
pub(crate) struct Idempotency {
    recent: Arc<Mutex<Recent<State>>>,
    clock: Arc<dyn Clock>,
}

/// How far a use has come.
#[derive(Clone)]
enum State {
    UnderWay(watch::Receiver<Option<Outcome>>),
    Paid,
}

/// What came of a use, for those who wait for it.
#[derive(Clone)]
enum Outcome {
    Paid,
    Refused(Refusal),
    Failed(ServiceError),
}

/// What a caller gets who asks for a use that may be a repeat.
pub(crate) enum RepeatOutcome {
    /// The verdict on it.
    Settled(Verdict),
    /// It was paid before.
    Paid,
}

impl Idempotency {
    /// Knows nothing yet; remembers each use for `window_ms`.
    pub(crate) fn new(clock: Arc<dyn Clock>, window_ms: u64) -> Self {
        Self { recent: Arc::new(Mutex::new(Recent::new(window_ms, MAX_USES))), clock }
    }

    /// Settles a use by `settle`, unless it was asked for before. A refusal and a failure are told to those who wait for
    /// them, and then forgotten: whoever asks later may be luckier.
    pub(crate) async fn once(
        &self,
        id: Fingerprint,
        settle: impl Future<Output = Result<Verdict, ServiceError>> + Send + 'static,
    ) -> Result<RepeatOutcome, ServiceError> {
        let (told, outcome) = watch::channel(None);
        // What is known, or the number that the use has from now on.
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

/// Settles a use, remembers that it was paid, and tells those who wait.
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
