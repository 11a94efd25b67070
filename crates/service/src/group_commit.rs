//! Group commit: attempts that wait are settled together, in one transaction of the store.
//!
//! A lane takes whatever waits, as one batch, and while it is being committed the next batch fills. There is no timer:
//! a lonely attempt starts at once, and a crowd shares one commit. All attempts with one key go to one lane, so that no two
//! batches of this process want the same row at once.

use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use keymint_domain::Policy;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_ports::{Clock, KeyStore, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::{GroupCommitOptions, ServiceError};

/// The way into the lanes. They end when it is dropped, after what waits has been settled.
pub(crate) struct GroupCommit {
    queues: Vec<mpsc::Sender<Waiting>>,
}

/// An attempt, and where its caller waits for the answer.
struct Waiting {
    attempt: Attempt,
    answer: oneshot::Sender<Result<Verdict, StoreError>>,
}

/// What settles the batches of one queue.
struct Lane {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    policy: Arc<Policy>,
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    max_batch: usize,
}

impl GroupCommit {
    /// Starts the lanes on the present Tokio runtime.
    pub(crate) fn start(
        store: &Arc<dyn KeyStore>,
        clock: &Arc<dyn Clock>,
        policy: &Arc<Policy>,
        options: GroupCommitOptions,
    ) -> Self {
        let start = |_| {
            let (queue, waiting) = mpsc::channel(options.queue.get().div_ceil(options.lanes.get()));
            let (store, clock, policy) = (Arc::clone(store), Arc::clone(clock), Arc::clone(policy));
            let waiting = Mutex::new(waiting);
            let lane = Arc::new(Lane { store, clock, policy, waiting, max_batch: options.max_batch.get() });
            tokio::spawn(async move {
                // A store must not panic. Where one does, its batch fails and its lane goes on.
                while tokio::spawn(Arc::clone(&lane).run()).await.is_err() {
                    tracing::error!("the store panicked; its batch has failed");
                }
            });
            queue
        };
        Self { queues: (0..options.lanes.get()).map(start).collect() }
    }

    /// Settles one attempt. Where the caller stops waiting before its batch has begun, nothing is counted.
    pub(crate) async fn settle(&self, attempt: Attempt) -> Result<Verdict, ServiceError> {
        let (answer, settled) = oneshot::channel();
        let queue = self.queue_of(&attempt).ok_or(ServiceError::Overloaded)?;
        queue.try_send(Waiting { attempt, answer }).map_err(|_| ServiceError::Overloaded)?;
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
            let (attempts, answers): (Vec<_>, Vec<_>) =
                batch.drain(..).map(|waiting| (waiting.attempt, waiting.answer)).unzip();
            let settled = self.store.spend(&attempts, &self.policy, self.clock.now()).await;
            let verdicts = settled.unwrap_or_else(|error| vec![Err(error); attempts.len()]);
            for (answer, verdict) in answers.into_iter().zip(verdicts) {
                // Whoever stopped waiting meanwhile has been charged; nobody is left to tell.
                let _ = answer.send(verdict);
            }
        }
    }
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let capacities: Vec<_> = self.queues.iter().map(mpsc::Sender::capacity).collect();
        f.debug_struct("GroupCommit").field("capacities", &capacities).finish()
    }
}
