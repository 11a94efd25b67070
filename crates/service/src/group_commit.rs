//! Group commit: attempts that wait are settled together, in one transaction of the store.
//!
//! A lane takes whatever waits, as one batch, and while it is being committed the next batch fills. There is no timer:
//! a lonely attempt starts at once, and a crowd shares one commit.

use std::fmt;
use std::sync::Arc;

use keymint_domain::Policy;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_ports::{Clock, KeyStore, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::{GroupCommitOptions, ServiceError};

/// The way into the lanes. They end when it is dropped, after what waits has been settled.
pub(crate) struct GroupCommit {
    queue: mpsc::Sender<Waiting>,
}

/// An attempt, and where its caller waits for the answer.
struct Waiting {
    attempt: Attempt,
    answer: oneshot::Sender<Result<Verdict, StoreError>>,
}

/// What settles batches: everything that a lane needs, shared by all lanes.
struct Lanes {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    policy: Arc<Policy>,
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    max_batch: usize,
}

impl GroupCommit {
    /// Starts the lanes on the present Tokio runtime.
    pub(crate) fn start(
        store: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
        policy: Arc<Policy>,
        options: GroupCommitOptions,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(options.queue.get());
        let max_batch = options.max_batch.get();
        let lanes = Arc::new(Lanes { store, clock, policy, waiting: Mutex::new(waiting), max_batch });
        for _ in 0..options.lanes.get() {
            let lanes = Arc::clone(&lanes);
            tokio::spawn(async move {
                // A store must not panic. Where one does, its batch fails and its lane goes on.
                while tokio::spawn(Arc::clone(&lanes).run()).await.is_err() {
                    tracing::error!("the store panicked; its batch has failed");
                }
            });
        }
        Self { queue }
    }

    /// Settles one attempt. Where the caller stops waiting before its batch has begun, nothing is counted.
    pub(crate) async fn settle(&self, attempt: Attempt) -> Result<Verdict, ServiceError> {
        let (answer, settled) = oneshot::channel();
        self.queue.try_send(Waiting { attempt, answer }).map_err(|_| ServiceError::Overloaded)?;
        match settled.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(StoreError::unavailable("the batch was abandoned").into()),
        }
    }
}

impl Lanes {
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
        f.debug_struct("GroupCommit").field("capacity", &self.queue.capacity()).finish()
    }
}
