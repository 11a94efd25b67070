use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use keymint_domain::Timestamp;
use keymint_domain::metering::{KeyHour, MANY_KEYS, UnknownHour, UsageFlush, gathering_ms};
use keymint_ports::{Entropy, StoreError};
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use super::UsageLedger;
use super::gathering::{Adding, Gathering, TakenOver};
use crate::stopwatch;
use crate::system::{millis, timer_clock};

/// The largest number of keys, or of sources of unknown keys, in one transaction. On SQLite a portion takes about two
/// milliseconds, in which no verification is written.
const PORTION: usize = 256;

/// The keys that are handed over in a second, unless more are used: a flush does not hold up verifications for long.
const KEYS_A_SECOND: usize = 10_000;

/// The pause between two warnings of a kind: a flush a second must not fill the log.
const QUIET: Duration = Duration::from_mins(1);

/// The time for which nobody touches a journal whose process has gone. Its process touches it about once a second.
const ABANDONED_MS: u64 = 20_000;

/// The flushes between two looks for such a journal.
const FLUSHES_A_LOOK: u64 = 10;

/// The time in which a journal that was taken over is added, in flushes.
const FLUSHES_OF_TAKEN_OVER: usize = 120;

/// The uses that were taken from the counts and are not in the sums of the store yet.
pub(super) struct Outbox {
    process: Box<str>,
    next: u64,
    /// Uses that are added at once. A portion stays as it is once it may have been handed over: the store knows it by its number.
    portions: VecDeque<UsageFlush>,
    /// Uses that are gathered for longer, in a journal.
    gathering: Gathering,
    /// A journal that is added.
    adding: Option<Paced>,
    taken_over: Option<TakenOver>,
    flushes: u64,
    /// The instant at which the counts were taken last.
    taken: tokio::time::Instant,
    /// The keys that are added in a second.
    keys_a_second: usize,
}

/// A journal that is added, this many steps at each flush.
struct Paced {
    adding: Adding,
    steps: usize,
}

impl Paced {
    /// Adds within this many flushes.
    fn within(adding: Adding, flushes: usize) -> Self {
        let steps = adding.steps().div_ceil(flushes.max(1)).max(1);
        Self { adding, steps }
    }
}

impl Outbox {
    /// Returns an empty outbox of a process that no other has the name of.
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        let process: Box<str> = format!("{:032x}", u128::from_be_bytes(bytes)).into();
        let gathering = Gathering::new(process.clone());
        let portions = VecDeque::new();
        Self {
            process,
            next: 1,
            portions,
            gathering,
            adding: None,
            taken_over: None,
            flushes: 0,
            taken: timer_clock(),
            keys_a_second: KEYS_A_SECOND,
        }
    }

    fn fill(&mut self, keys: Vec<KeyHour>, unknown: Vec<UnknownHour>, at: Timestamp) {
        let (mut keys, mut unknown) = (keys.into_iter(), unknown.into_iter());
        loop {
            let portion = UsageFlush {
                process: self.process.clone(),
                number: self.next,
                at,
                keys: keys.by_ref().take(PORTION).collect(),
                unknown: unknown.by_ref().take(PORTION).collect(),
            };
            if portion.keys.is_empty() && portion.unknown.is_empty() {
                break;
            }
            self.next += 1;
            self.portions.push_back(portion);
        }
    }
}

/// Returns true, and remembers it, if nothing was told for a while.
fn is_due(told: &mut Option<Instant>) -> bool {
    let is_due = told.is_none_or(|told| told.elapsed() > QUIET);
    if is_due {
        *told = Some(stopwatch());
    }
    is_due
}

impl UsageLedger {
    /// Hands over what was counted, again and again.
    pub(super) async fn keep_flushing(self: Arc<Self>) {
        let mut ticks = interval_at(timer_clock() + self.every, self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told_failure, mut told_delay) = (None, None);
        loop {
            ticks.tick().await;
            let began = stopwatch();
            let outcome = self.flush(Haste::Paced).await;
            if let Err(error) = &outcome
                && is_due(&mut told_failure)
            {
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "usage could not be written; it is kept, and tried again");
            }
            let took = began.elapsed();
            if outcome.is_ok() && took > 2 * self.every && is_due(&mut told_delay) {
                let took_ms = millis(took);
                tracing::warn!(took_ms, "usage is written less often than it should be: the store is slow");
            }
        }
    }

    /// Hands over everything, without pauses.
    ///
    /// # Errors
    ///
    /// Returns the store's failure. What was not handed over is kept.
    pub(super) async fn flush_at_once(&self) -> Result<(), StoreError> {
        self.is_urgent.store(true, Relaxed);
        let outcome = self.flush(Haste::Urgent).await;
        self.is_urgent.store(false, Relaxed);
        outcome
    }

    /// Hands over what was counted.
    async fn flush(&self, haste: Haste) -> Result<(), StoreError> {
        let mut outbox = self.outbox.lock().await;
        let began = stopwatch();
        let handed_over = self.hand_over(&mut outbox, haste).await;
        self.meter.usage_flushed(handed_over.as_ref().ok().copied(), began.elapsed());
        handed_over?;
        self.add_gathered(&mut outbox, haste).await
    }

    /// Adds what was counted, or writes it to a journal. Returns the number of keys.
    async fn hand_over(&self, outbox: &mut Outbox, haste: Haste) -> Result<usize, StoreError> {
        // What a failure has left goes first: its numbers are the smaller ones.
        let mut keys = self.send(outbox).await? + outbox.gathering.write(&*self.store).await?;
        let taken = self.tallies().take();
        let gathered = std::mem::replace(&mut outbox.taken, timer_clock()).elapsed().as_secs().max(1);
        if taken.lost() > 0 {
            self.meter.usage_lost(taken.lost());
            tracing::warn!(calls = taken.lost(), "usage was not counted: too many keys wait for the store");
        }
        let (mut uses, unknown) = taken.into_parts();
        // Twice as fast as keys are used, so that a flush ends long before the next one.
        let used_a_second = uses.len() / usize::try_from(gathered).unwrap_or(usize::MAX);
        outbox.keys_a_second = KEYS_A_SECOND.max(2 * used_a_second);
        let now = self.clock.now();
        let is_many = outbox.gathering.began().is_some() || self.gathering(uses.len()) > self.every;
        if is_many && haste == Haste::Paced {
            outbox.gathering.take_in(&std::mem::take(&mut uses), now, timer_clock());
        }
        outbox.fill(uses, unknown, now);
        keys += self.send(outbox).await?;
        keys += outbox.gathering.write(&*self.store).await?;
        Ok(keys)
    }

    /// Adds all portions that wait. Returns the number of keys.
    async fn send(&self, outbox: &mut Outbox) -> Result<usize, StoreError> {
        let mut keys = 0;
        while let Some(portion) = outbox.portions.front() {
            let began = stopwatch();
            self.store.add_usage(portion).await?;
            let rows = portion.keys.len().max(portion.unknown.len());
            keys += portion.keys.len();
            outbox.portions.pop_front();
            if !outbox.portions.is_empty() {
                let rows = u32::try_from(rows).unwrap_or(u32::MAX);
                let rows_a_second = u32::try_from(outbox.keys_a_second).unwrap_or(u32::MAX);
                self.pause(Duration::from_secs(1) * rows / rows_a_second, began).await;
            }
        }
        Ok(keys)
    }

    /// Goes on with the journals: adds what was gathered for long enough, and what a process has left that has gone.
    async fn add_gathered(&self, outbox: &mut Outbox, haste: Haste) -> Result<(), StoreError> {
        outbox.flushes += 1;
        let mut looked = Ok(());
        if haste == Haste::Urgent {
            self.add_some(outbox, haste).await?;
        } else if outbox.adding.is_none() {
            // What others have left, and may be of a newer version, holds up nothing.
            looked = self.take_over(outbox).await;
        }
        if outbox.adding.is_none()
            && let Some(began) = outbox.gathering.began()
        {
            let wanted = self.gathering(outbox.gathering.keys());
            // Flushes come a little early or late.
            if haste == Haste::Urgent || began.elapsed() + self.every / 2 >= wanted {
                // They end before the next ones begin.
                let flushes = wanted.as_millis() * 3 / 4 / self.every.as_millis().max(1);
                let flushes = usize::try_from(flushes).unwrap_or(usize::MAX);
                outbox.adding = Some(Paced::within(outbox.gathering.close().await?, flushes));
            }
        }
        self.add_some(outbox, haste).await.and(looked)
    }

    /// Adds the next portions of a journal: all of them if it is urgent, or if too many keys wait behind it.
    ///
    /// On a slow store it ends early, so that the journal is written every second.
    async fn add_some(&self, outbox: &mut Outbox, haste: Haste) -> Result<(), StoreError> {
        let is_urgent = haste == Haste::Urgent || outbox.gathering.keys() >= MANY_KEYS;
        let Some(Paced { adding, steps }) = &mut outbox.adding else { return Ok(()) };
        let time = self.every * 3 / 4;
        let share = time / u32::try_from(*steps).unwrap_or(u32::MAX);
        let (mut left, all_began) = (*steps, timer_clock());
        while is_urgent || (left > 0 && all_began.elapsed() < time) {
            let began = stopwatch();
            if !adding.step(&*self.store, self.clock.now()).await? {
                outbox.adding = None;
                break;
            }
            left = left.saturating_sub(1);
            if left > 0 && !is_urgent {
                self.pause(share, began).await;
            }
        }
        Ok(())
    }

    /// Looks for a journal that nobody adds, and reads it.
    async fn take_over(&self, outbox: &mut Outbox) -> Result<(), StoreError> {
        if outbox.taken_over.is_none() && outbox.flushes % FLUSHES_A_LOOK == 1 {
            let now = self.clock.now();
            let journal = self.store.take_over_usage_journal(now.minus_millis(ABANDONED_MS), now).await?;
            match journal {
                // No key was used for so long.
                Some(own) if *own == *outbox.gathering.journal() => {
                    let adding = outbox.gathering.close().await?;
                    outbox.adding = Some(Paced::within(adding, FLUSHES_OF_TAKEN_OVER));
                }
                journal => outbox.taken_over = journal.map(TakenOver::new),
            }
        }
        if let Some(taken_over) = &mut outbox.taken_over
            && let Some(adding) = taken_over.read(&*self.store).await?
        {
            tracing::info!(journal = taken_over.journal(), "usage of a process that has gone is added");
            outbox.adding = Some(Paced::within(adding, FLUSHES_OF_TAKEN_OVER));
            outbox.taken_over = None;
        }
        Ok(())
    }

    /// Pauses for the rest of a share of time, unless it is urgent.
    async fn pause(&self, share: Duration, began: Instant) {
        if !self.is_urgent.load(Relaxed) {
            sleep(share.saturating_sub(began.elapsed())).await;
        }
    }

    /// Returns the time for which the uses of this many keys are gathered.
    fn gathering(&self, keys: usize) -> Duration {
        Duration::from_millis(gathering_ms(keys, millis(self.every), millis(self.longest)))
    }
}

/// The pace of a flush.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Haste {
    Paced,
    /// Everything is added, without pauses.
    Urgent,
}
