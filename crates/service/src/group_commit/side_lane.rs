//! The side lane, for attempts on rows that another transaction keeps locked, so that no other attempts wait for them.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keymint_domain::key::StoredKey;
use keymint_domain::verify::Verdict;
use keymint_ports::StoreError;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::alarm::Alarm;
use super::{Lanes, Settled, Waiting};
use crate::stopwatch;

/// The time for which an attempt waits for its row.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause between two retries. A store that waits for locks itself adds to it.
const PAUSE: Duration = Duration::from_millis(10);

/// The keys whose attempts wait in the side lane. Further attempts on them go there, too.
#[derive(Default)]
pub(super) struct Locked {
    any: AtomicBool,
    keys: Mutex<HashSet<StoredKey>>,
}

impl Locked {
    /// Returns true if attempts on this key wait. It runs for every attempt, and mostly no key is locked.
    pub(super) fn contains(&self, key: &StoredKey) -> bool {
        self.any.load(Relaxed) && self.keys().contains(key)
    }

    pub(super) fn add(&self, key: &StoredKey) {
        self.keys().insert(key.clone());
        self.any.store(true, Relaxed);
    }

    fn replace(&self, keys: HashSet<StoredKey>) {
        let mut known = self.keys();
        self.any.store(!keys.is_empty(), Relaxed);
        *known = keys;
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<StoredKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt, and the instant at which it began to wait in the side lane.
struct Aside {
    waiting: Waiting,
    since: Instant,
}

impl Lanes {
    /// Sets an attempt aside because its row is locked.
    pub(super) fn set_aside(&self, waiting: Waiting, aside: &mpsc::Sender<Waiting>) {
        self.locked.add(waiting.attempt.hash());
        if let Err(refused) = aside.try_send(waiting) {
            let _ = refused.into_inner().answer.send(Err(StoreError::Locked));
        }
    }

    /// Runs the side lane: retries the attempts until their rows are unlocked, or time out.
    pub(super) async fn run_aside(self: Arc<Self>) {
        let mut queue = self.aside.lock().await;
        let (mut waiting, mut held) = (Vec::new(), Vec::new());
        let mut alarm = Alarm::new(self.deadline);
        loop {
            if held.is_empty() {
                queue.recv_many(&mut waiting, self.max_batch).await;
                if waiting.is_empty() {
                    break;
                }
            }
            while held.len() + waiting.len() < queue.max_capacity()
                && let Ok(more) = queue.try_recv()
            {
                waiting.push(more);
            }
            let since = stopwatch();
            held.extend(waiting.drain(..).map(|waiting| Aside { waiting, since }));
            held.retain(|aside| !aside.waiting.answer.is_closed());
            self.try_again(&mut held, &mut alarm).await;
            self.locked.replace(held.iter().map(|aside| aside.waiting.attempt.hash().clone()).collect());
            if !held.is_empty() {
                sleep(PAUSE).await;
            }
        }
    }

    /// Settles the attempts that have waited longest, and keeps those whose rows are still locked.
    async fn try_again(&self, held: &mut Vec<Aside>, alarm: &mut Alarm) {
        let batch: Vec<Aside> = held.drain(..held.len().min(self.max_batch)).collect();
        if batch.is_empty() {
            return;
        }
        for batch in self.by_shard(batch) {
            self.try_batch(batch, held, alarm).await;
        }
    }

    /// Divides attempts by the shards of their keys.
    fn by_shard(&self, batch: Vec<Aside>) -> Vec<Vec<Aside>> {
        let mut shards: BTreeMap<usize, Vec<Aside>> = BTreeMap::new();
        for aside in batch {
            let number = self.placement.shard_of(aside.waiting.attempt.hash()).number;
            shards.entry(number).or_default().push(aside);
        }
        shards.into_values().collect()
    }

    async fn try_batch(&self, batch: Vec<Aside>, held: &mut Vec<Aside>, alarm: &mut Alarm) {
        let attempts: Vec<_> = batch.iter().map(|aside| aside.waiting.attempt.clone()).collect();
        let now = stopwatch();
        for (aside, answer) in batch.into_iter().zip(self.spend(&attempts, alarm).await) {
            if is_locked(&answer) && now.saturating_duration_since(aside.since) < PATIENCE {
                held.push(aside);
            } else {
                let Waiting { attempt, answer: asker, .. } = aside.waiting;
                let _ = asker.send(answer.map(|verdict| Settled::of(verdict, &attempt)));
            }
        }
    }
}

pub(super) fn is_locked(answer: &Result<Verdict, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Locked))
}
