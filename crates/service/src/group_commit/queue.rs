//! The attempts that wait for the lanes of one node of the store.

use std::collections::VecDeque;

use keymint_ports::Placement;
use tokio::sync::{Mutex, MutexGuard, mpsc};
use tokio::time::timeout;

use super::{PATIENCE, Waiting};

/// The queue of a node. The lane that begins next holds a lock on it.
pub(super) struct Queue {
    waiting: Mutex<Waiters>,
}

struct Waiters {
    arriving: mpsc::Receiver<Waiting>,
    /// Attempts on keys of other shards than those of the batches before. Without shards there are none.
    held: VecDeque<Waiting>,
}

impl Queue {
    pub(super) fn new(arriving: mpsc::Receiver<Waiting>) -> Self {
        Self { waiting: Mutex::new(Waiters { arriving, held: VecDeque::new() }) }
    }

    /// Waits for attempts and for the turn of their shard, and takes all attempts on keys of that shard that wait by then.
    /// There are none when the queue is closed.
    ///
    /// `turns` has a turn for each shard. Returns none if the previous batch of the shard is slow and still holds it.
    pub(super) async fn collect<'t>(
        &self,
        batch: &mut Vec<Waiting>,
        max_batch: usize,
        placement: &Placement,
        turns: &'t [Mutex<()>],
    ) -> Option<MutexGuard<'t, ()>> {
        let mut waiting = self.waiting.lock().await;
        if placement.is_whole() {
            let turn = turns.first()?;
            return waiting.collect_all(batch, max_batch, turn).await;
        }
        loop {
            waiting.fill(max_batch).await;
            let turn_of = |waiting: &Waiting| shard_number(waiting, placement) % turns.len().max(1);
            let first = waiting.held.front().map(turn_of)?;
            // A shard whose turn is free is served before those that wait for theirs.
            let is_free =
                |number: usize| turns.get(number).and_then(|turn| turn.try_lock().ok()).map(|turn| (number, turn));
            let free = waiting.held.iter().find_map(|waiting| is_free(turn_of(waiting)));
            let (number, turn) = match free {
                Some((number, turn)) => (number, Some(turn)),
                None => (first, timeout(PATIENCE, turns.get(first)?.lock()).await.ok()),
            };
            waiting.take_late(max_batch);
            waiting.take_of(number, batch, max_batch, placement, turns.len());
            // Shards may be divided anew meanwhile, so that no attempt is of this one any more.
            if !batch.is_empty() {
                return turn;
            }
        }
    }
}

fn shard_number(waiting: &Waiting, placement: &Placement) -> usize {
    placement.shard_of(waiting.attempt.hash()).number
}

impl Waiters {
    async fn collect_all<'t>(
        &mut self,
        batch: &mut Vec<Waiting>,
        max_batch: usize,
        turn: &'t Mutex<()>,
    ) -> Option<MutexGuard<'t, ()>> {
        self.arriving.recv_many(batch, max_batch).await;
        if let Ok(turn) = turn.try_lock() {
            return Some(turn);
        }
        let turn = timeout(PATIENCE, turn.lock()).await;
        while batch.len() < max_batch
            && let Ok(late) = self.arriving.try_recv()
        {
            batch.push(late);
        }
        turn.ok()
    }

    /// Waits until an attempt is held, unless the queue is closed, and holds those that wait.
    async fn fill(&mut self, max_batch: usize) {
        if self.held.is_empty() {
            let mut arrived = Vec::with_capacity(max_batch);
            self.arriving.recv_many(&mut arrived, max_batch).await;
            self.held.extend(arrived);
        }
        self.take_late(max_batch);
    }

    /// Takes the attempts on keys of one shard that has this turn, of so many turns. A store may have more shards than it began
    /// with, so that two of them share a turn.
    fn take_of(
        &mut self,
        turn: usize,
        batch: &mut Vec<Waiting>,
        max_batch: usize,
        placement: &Placement,
        turns: usize,
    ) {
        let mut shard = None;
        let mut others = VecDeque::with_capacity(self.held.len());
        for one in self.held.drain(..) {
            let number = shard_number(&one, placement);
            let is_of_turn = number % turns.max(1) == turn;
            if batch.len() < max_batch && is_of_turn && *shard.get_or_insert(number) == number {
                batch.push(one);
            } else {
                others.push_back(one);
            }
        }
        self.held = others;
    }

    fn take_late(&mut self, max_batch: usize) {
        while self.held.len() < max_batch
            && let Ok(late) = self.arriving.try_recv()
        {
            self.held.push_back(late);
        }
    }
}
