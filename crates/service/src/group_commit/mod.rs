//! Group commit: waiting attempts are settled together, in one transaction of the store.
//!
//! A lane takes all waiting attempts as one batch, and the next batch fills while this one is committed. A single
//! attempt starts at once, and concurrent attempts share one commit. With several lanes, the others begin only if a
//! batch is slow, so that a batch that hangs delays only its own attempts.

mod alarm;
mod queue;
mod side_lane;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use keymint_domain::verify::{Attempt, Refusal, Verdict};
use keymint_domain::{ErrorCode, Policy, Timestamp};
use keymint_ports::{Clock, KeyStore, Meter, Placement, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::{Instrument as _, Level, Span};

use self::alarm::Alarm;
use self::queue::Queue;
use self::side_lane::{Locked, is_locked};
use crate::usage::UsageLedger;
use crate::{ServiceError, stopwatch};

/// The limits by which verifications are grouped into transactions.
#[derive(Debug, Clone, Copy)]
pub struct GroupCommitOptions {
    /// The largest number of attempts that may wait. More are rejected.
    pub queue: NonZeroUsize,
    /// The largest number of attempts in one transaction.
    pub max_batch: NonZeroUsize,
    /// The largest number of transactions in flight at the same time on one node of the store: 1 if the engine has one
    /// writer.
    ///
    /// A second one begins only if the first has not ended within 2 ms. One more is for attempts on rows that another
    /// transaction keeps locked.
    pub lanes: NonZeroUsize,
    /// The time after which a batch is given up.
    ///
    /// It must exceed the store's own timeouts, which are more precise. The attempts of such a batch fail, and each may
    /// have been counted.
    pub deadline: Duration,
}

impl Default for GroupCommitOptions {
    /// Returns 8192 waiting attempts, 512 in one transaction, one lane, and a deadline of one minute.
    fn default() -> Self {
        const QUEUE: NonZeroUsize = NonZeroUsize::new(8192).unwrap();
        const MAX_BATCH: NonZeroUsize = NonZeroUsize::new(512).unwrap();
        Self { queue: QUEUE, max_batch: MAX_BATCH, lanes: NonZeroUsize::MIN, deadline: Duration::from_mins(1) }
    }
}

/// The time for which a batch waits for the end of the previous one.
///
/// Two concurrent batches cost the store more than one batch of both. But the previous one may be waiting for a lock or
/// for a network.
const PATIENCE: Duration = Duration::from_millis(2);

/// The queues of the lanes. When they are dropped, the lanes end after the waiting attempts are settled.
pub(crate) struct GroupCommit {
    /// One for each node of the store.
    queues: Vec<mpsc::Sender<Waiting>>,
    /// The queue of the side lane.
    aside: mpsc::Sender<Waiting>,
    lanes: Arc<Lanes>,
}

/// An attempt, and the channel on which its caller waits for the answer.
struct Waiting {
    attempt: Attempt,
    entered: Instant,
    /// The span in which the attempt was made, if spans are collected. It is boxed, since they mostly are not.
    asker: Option<Box<Span>>,
    answer: oneshot::Sender<Result<Settled, StoreError>>,
}

/// The answer of the store to an attempt.
pub(crate) enum Settled {
    /// The verdict on a key.
    Judged(Verdict),
    /// No row is kept under a text of the key. The attempt comes back, and was not counted as a refused one.
    Unknown(Box<Attempt>),
}

impl Settled {
    /// Most keys are known, so that the attempt is copied here, and not carried along.
    fn of(verdict: Verdict, attempt: &Attempt) -> Self {
        if verdict.is_unknown() { Self::Unknown(Box::new(attempt.clone())) } else { Self::Judged(verdict) }
    }

    /// Returns the verdict.
    pub(crate) fn into_verdict(self) -> Verdict {
        match self {
            Self::Judged(verdict) => verdict,
            Self::Unknown(_) => Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey)),
        }
    }
}

/// The state that all lanes share.
struct Lanes {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    policy: Arc<Policy>,
    /// Counts the settled attempts; `None` = nobody counts them.
    usage: Option<Arc<UsageLedger>>,
    placement: Placement,
    /// A queue for each node of the store.
    queues: Vec<Queue>,
    /// One for each shard of the store, held by the batch that the next one waits for.
    turns: Vec<Mutex<()>>,
    /// The start of the last batch that was committed and changed something, in milliseconds since 1970.
    last_write: AtomicI64,
    /// The attempts that were set aside. The side lane holds the lock.
    aside: Mutex<mpsc::Receiver<Waiting>>,
    /// The keys of those attempts.
    locked: Locked,
    max_batch: usize,
    deadline: Duration,
}

impl GroupCommit {
    /// Starts the lanes on the current Tokio runtime.
    pub(crate) fn start(
        store: &Arc<dyn KeyStore>,
        clock: &Arc<dyn Clock>,
        meter: &Arc<dyn Meter>,
        policy: &Arc<Policy>,
        usage: Option<&Arc<UsageLedger>>,
        placement: Placement,
        options: GroupCommitOptions,
    ) -> Self {
        let (queues, arriving): (Vec<_>, Vec<_>) =
            (0..placement.nodes.get()).map(|_| mpsc::channel(options.queue.get())).unzip();
        let (aside, set_aside) = mpsc::channel(options.queue.get());
        let lanes = Arc::new(Lanes {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            meter: Arc::clone(meter),
            policy: Arc::clone(policy),
            usage: usage.cloned(),
            queues: arriving.into_iter().map(Queue::new).collect(),
            turns: (0..placement.shards.get()).map(|_| Mutex::default()).collect(),
            placement,
            last_write: AtomicI64::new(Timestamp::MIN.as_millis()),
            aside: Mutex::new(set_aside),
            locked: Locked::default(),
            max_batch: options.max_batch.get(),
            deadline: options.deadline,
        });
        for node in 0..lanes.queues.len() {
            for _ in 0..options.lanes.get() {
                let (lanes, aside) = (Arc::clone(&lanes), aside.clone());
                keep_up(move || Arc::clone(&lanes).run(node, aside.clone()));
            }
        }
        let beside = Arc::clone(&lanes);
        keep_up(move || Arc::clone(&beside).run_aside());
        Self { queues, aside, lanes }
    }

    /// Returns the largest number of attempts in one transaction.
    pub(crate) fn max_batch(&self) -> usize {
        self.lanes.max_batch
    }

    /// Returns true if all keys are in one shard of the store.
    pub(crate) fn is_whole(&self) -> bool {
        self.lanes.placement.is_whole()
    }

    /// Returns the start of the last batch that was committed and changed something.
    pub(crate) fn last_write(&self) -> Timestamp {
        Timestamp::from_millis(self.lanes.last_write.load(Ordering::Relaxed))
    }

    /// Settles one attempt, which was made at `entered`. If the caller stops waiting before its batch has begun,
    /// nothing is counted.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if the queue is full, and [`ServiceError::Store`] if the store fails.
    pub(crate) async fn settle(&self, attempt: Attempt, entered: Instant) -> Result<Settled, ServiceError> {
        self.submit(attempt, entered)?.settled().await
    }

    /// Returns the queue of the node that holds a key.
    fn queue_of(&self, attempt: &Attempt) -> &mpsc::Sender<Waiting> {
        match self.queues.as_slice() {
            [queue] => queue,
            queues => &queues[self.lanes.placement.shard_of(attempt.hash()).node % queues.len()],
        }
    }

    /// Lets an attempt wait for its batch, as [`GroupCommit::settle`] does. Those who wait then do not hold the attempt as
    /// well: it is as large as everything else that they hold.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if the queue is full.
    pub(crate) fn submit(&self, attempt: Attempt, entered: Instant) -> Result<Submitted, ServiceError> {
        let (answer, settled) = oneshot::channel();
        let queue = if self.lanes.locked.contains(attempt.hash()) { &self.aside } else { self.queue_of(&attempt) };
        if queue.try_send(Waiting { attempt, entered, asker: asker(), answer }).is_err() {
            self.lanes.meter.turned_away();
            return Err(ServiceError::Overloaded);
        }
        Ok(Submitted(settled))
    }
}

/// An attempt that waits for its batch. If it is dropped before the batch has begun, nothing is counted.
pub(crate) struct Submitted(oneshot::Receiver<Result<Settled, StoreError>>);

impl Submitted {
    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub(crate) async fn settled(self) -> Result<Settled, ServiceError> {
        match self.0.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(StoreError::unavailable("the batch was abandoned").into()),
        }
    }
}

/// Runs a lane to its end. A store must not panic; if it does, its batch fails and the lane goes on.
fn keep_up<L: Future<Output = ()> + Send + 'static>(lane: impl Fn() -> L + Send + 'static) {
    tokio::spawn(async move {
        while tokio::spawn(lane()).await.is_err() {
            tracing::error!("the store panicked; its batch has failed");
        }
    });
}

impl Lanes {
    /// Runs one lane.
    async fn run(self: Arc<Self>, node: usize, aside: mpsc::Sender<Waiting>) {
        let mut batch = Vec::with_capacity(self.max_batch);
        let mut alarm = Alarm::new(self.deadline);
        while let Some(queue) = self.queues.get(node) {
            let turn = queue.collect(&mut batch, self.max_batch, &self.placement, &self.turns).await;
            if batch.is_empty() {
                break;
            }
            batch.retain(|waiting| !waiting.answer.is_closed());
            if batch.is_empty() {
                continue;
            }
            self.measure(&batch);
            let span = span_of(&batch);
            // Of the exact size: a lone attempt would else pay for room for four.
            let (mut attempts, mut answers) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
            for Waiting { attempt, answer, entered: _, asker: _ } in batch.drain(..) {
                attempts.push(attempt);
                answers.push(answer);
            }
            let verdicts = self.spend(&attempts, &mut alarm).instrument(span).await;
            drop(turn);
            for ((attempt, answer), settled) in attempts.iter().zip(answers).zip(verdicts) {
                if is_locked(&settled) {
                    let (attempt, entered) = (attempt.clone(), stopwatch());
                    self.set_aside(Waiting { attempt, entered, asker: None, answer }, &aside);
                } else {
                    // A caller that stopped waiting meanwhile has been charged; the answer has no receiver.
                    let _ = answer.send(settled.map(|verdict| Settled::of(verdict, attempt)));
                }
            }
        }
    }

    /// Settles attempts in one transaction of the store. They fail if it exceeds the deadline.
    async fn spend(&self, attempts: &[Attempt], alarm: &mut Alarm) -> Vec<Result<Verdict, StoreError>> {
        let now = self.clock.now();
        let settled = alarm.bound(self.store.spend(attempts, &self.policy, now)).await;
        let settled = settled.unwrap_or_else(|| Err(StoreError::unavailable("the batch has taken too long")));
        let answers = settled.unwrap_or_else(|error| vec![Err(error); attempts.len()]);
        // A key without limits is accepted without a write.
        let is_written = |verdict: &Verdict| verdict.accepted().is_some_and(|key| key.usage.updated_at == now);
        if answers.iter().flatten().any(is_written) {
            self.last_write.store(now.as_millis(), Ordering::Relaxed);
        }
        // Before anybody is answered, so that what was answered is counted when the process stops.
        if let Some(usage) = &self.usage {
            usage.count_batch(attempts, &answers, &self.policy, now);
        }
        answers
    }

    /// Reports the size of the batch, and the time that each attempt has waited.
    fn measure(&self, batch: &[Waiting]) {
        let now = stopwatch();
        self.meter.batched(batch.len());
        for waiting in batch {
            self.meter.waited(now.saturating_duration_since(waiting.entered));
        }
    }
}

/// Returns the current span; none if spans are not collected.
fn asker() -> Option<Box<Span>> {
    tracing::enabled!(target: "keymint::span", Level::INFO).then(|| Box::new(Span::current()))
}

/// Returns the span of a batch. A span has one parent: the batch belongs to the first attempt's span, and follows from
/// the others.
fn span_of(batch: &[Waiting]) -> Span {
    let mut askers = batch.iter().filter_map(|waiting| waiting.asker.as_deref());
    let first = askers.next().and_then(Span::id);
    // A signed number, since unsigned ones reach a collector as text.
    let attempts = i64::try_from(batch.len()).unwrap_or(i64::MAX);
    let span = tracing::info_span!(target: "keymint::span", parent: first, "batch", keymint.attempts = attempts);
    for asker in askers {
        span.follows_from(asker);
    }
    span
}

impl fmt::Debug for GroupCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("queues", &self.queues.len()).finish_non_exhaustive()
    }
}
