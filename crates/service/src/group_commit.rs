//! Group commit: attempts that wait are settled together, in one transaction of the store.
//!
//! A lane takes whatever waits, as one batch, and while it is being committed the next batch fills. There is no timer:
//! a lonely attempt starts at once, and a crowd shares one commit. All attempts with one key go to one lane, so that no two
//! batches of this process want the same row at once.

use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Instant;

use keymint_domain::Policy;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_ports::{Clock, KeyStore, Meter, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::{Instrument as _, Level, Span};

use crate::{GroupCommitOptions, ServiceError, stopwatch};

/// The way into the lanes. They end when it is dropped, after what waits has been settled.
pub(crate) struct GroupCommit {
    queues: Vec<mpsc::Sender<Waiting>>,
    meter: Arc<dyn Meter>,
}

/// An attempt, and where its caller waits for the answer.
struct Waiting {
    attempt: Attempt,
    entered: Instant,
    /// The span in which the attempt was made, where somebody collects spans. In a box, since mostly nobody does.
    asker: Option<Box<Span>>,
    answer: oneshot::Sender<Result<Verdict, StoreError>>,
}

/// What settles the batches of one queue.
struct Lane {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    policy: Arc<Policy>,
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    max_batch: usize,
}

impl GroupCommit {
    /// Starts the lanes on the present Tokio runtime.
    pub(crate) fn start(
        store: &Arc<dyn KeyStore>,
        clock: &Arc<dyn Clock>,
        meter: &Arc<dyn Meter>,
        policy: &Arc<Policy>,
        options: GroupCommitOptions,
    ) -> Self {
        let start = |_| {
            let (queue, waiting) = mpsc::channel(options.queue.get().div_ceil(options.lanes.get()));
            let (store, clock) = (Arc::clone(store), Arc::clone(clock));
            let (meter, policy) = (Arc::clone(meter), Arc::clone(policy));
            let (waiting, max_batch) = (Mutex::new(waiting), options.max_batch.get());
            let lane = Arc::new(Lane { store, clock, meter, policy, waiting, max_batch });
            tokio::spawn(async move {
                // A store must not panic. Where one does, its batch fails and its lane goes on.
                while tokio::spawn(Arc::clone(&lane).run()).await.is_err() {
                    tracing::error!("the store panicked; its batch has failed");
                }
            });
            queue
        };
        Self { queues: (0..options.lanes.get()).map(start).collect(), meter: Arc::clone(meter) }
    }

    /// Settles one attempt, which was made at `entered`. Where the caller stops waiting before its batch has begun, nothing is counted.
    pub(crate) async fn settle(&self, attempt: Attempt, entered: Instant) -> Result<Verdict, ServiceError> {
        let (answer, settled) = oneshot::channel();
        let queue = self.queue_of(&attempt).ok_or(ServiceError::Overloaded)?;
        if queue.try_send(Waiting { attempt, entered, asker: asker(), answer }).is_err() {
            self.meter.turned_away();
            return Err(ServiceError::Overloaded);
        }
        match settled.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(StoreError::unavailable("the batch was abandoned").into()),
        }
    }
}

impl GroupCommit {
    /// The queue of an attempt's key.
    fn queue_of(&self, attempt: &Attempt) -> Option<&mpsc::Sender<Waiting>> {
        if let [only] = &*self.queues {
            return Some(only);
        }
        let key = attempt.stored_forms().next()?;
        let spread = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        usize::try_from(spread % self.queues.len() as u64).ok().and_then(|index| self.queues.get(index))
    }
}

impl Lane {
    async fn run(self: Arc<Self>) {
        let mut batch = Vec::with_capacity(self.max_batch);
        while self.waiting.lock().await.recv_many(&mut batch, self.max_batch).await > 0 {
            batch.retain(|waiting| !waiting.answer.is_closed());
            if batch.is_empty() {
                continue;
            }
            self.measure(&batch);
            let span = span_of(&batch);
            let (attempts, answers): (Vec<_>, Vec<_>) =
                batch.drain(..).map(|waiting| (waiting.attempt, waiting.answer)).unzip();
            let settled = self.store.spend(&attempts, &self.policy, self.clock.now()).instrument(span).await;
            let verdicts = settled.unwrap_or_else(|error| vec![Err(error); attempts.len()]);
            for (answer, verdict) in answers.into_iter().zip(verdicts) {
                // Whoever stopped waiting meanwhile has been charged; nobody is left to tell.
                let _ = answer.send(verdict);
            }
        }
    }

    /// Tells how many begin now, and how long each has waited.
    fn measure(&self, batch: &[Waiting]) {
        let now = stopwatch();
        self.meter.batched(batch.len());
        for waiting in batch {
            self.meter.waited(now.saturating_duration_since(waiting.entered));
        }
    }
}

/// The span that somebody who asks now is in; none where nobody collects them.
fn asker() -> Option<Box<Span>> {
    tracing::enabled!(target: "keymint::span", Level::INFO).then(|| Box::new(Span::current()))
}

/// The span of a batch. A span has one parent: the batch belongs to the first attempt's, and follows from the others'.
fn span_of(batch: &[Waiting]) -> Span {
    let mut askers = batch.iter().filter_map(|waiting| waiting.asker.as_deref());
    let first = askers.next().and_then(Span::id);
    // As a signed number, since other ones reach a collector as text.
    let attempts = i64::try_from(batch.len()).unwrap_or(i64::MAX);
    let span = tracing::info_span!(target: "keymint::span", parent: first, "batch", keymint.attempts = attempts);
    for asker in askers {
        span.follows_from(asker);
    }
    span
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let capacities: Vec<_> = self.queues.iter().map(mpsc::Sender::capacity).collect();
        f.debug_struct("GroupCommit").field("capacities", &capacities).finish_non_exhaustive()
    }
}
