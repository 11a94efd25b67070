use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;

use super::copies::Copies;
use super::slot::Slot;
use crate::ServiceError;

/// The job that writes deferred usage. Dropping it ends the job.
pub(super) struct Flusher(JoinHandle<()>);

impl Drop for Flusher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Flusher {
    pub(super) fn start(copies: Arc<Copies>, interval: Duration) -> Self {
        Self(tokio::spawn(async move {
            // Tokio rejects an interval of zero.
            let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = copies.flush().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "deferred usage could not be written; it is kept, and tried again");
                }
            }
        }))
    }
}

impl Copies {
    /// Writes all deferred usage, and removes unused slots from the cache.
    ///
    /// # Errors
    ///
    /// Returns the last failure. Usage that was not written is kept for the next flush.
    pub(super) async fn flush(self: &Arc<Self>) -> Result<(), ServiceError> {
        let used: Vec<_> = self.slots().values().filter(|slot| may_have_deferred(slot)).cloned().collect();
        let mut outcome = Ok(());
        // As many at the same time as fit into one transaction.
        for slots in used.chunks(self.exact.max_batch()) {
            let writes: Vec<_> =
                slots.iter().map(|slot| tokio::spawn(Arc::clone(self).write(Arc::clone(slot)))).collect();
            for write in writes {
                if let Ok(Err(error)) = write.await {
                    outcome = Err(error);
                }
            }
        }
        drop(used);
        self.sweep();
        outcome
    }

    async fn write(self: Arc<Self>, slot: Arc<AsyncMutex<Slot>>) -> Result<(), ServiceError> {
        let slot = slot.lock_owned().await;
        if slot.deferred().is_some() { self.refresh(slot).await.map(drop) } else { Ok(()) }
    }

    /// Removes the slots that hold nothing of use any more.
    ///
    /// Slots are lent under the map's lock, so that a slot with a single owner is lent to nobody.
    fn sweep(&self) {
        let now = self.clock.now();
        let is_used = |slot: &Slot| slot.deferred().is_some() || slot.is_fresh(now, self.flush_ms);
        self.slots()
            .retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().map_or(true, |slot| is_used(&slot)));
    }
}

/// Returns true if the slot has deferred usage, or is locked and may be about to get some.
fn may_have_deferred(slot: &AsyncMutex<Slot>) -> bool {
    slot.try_lock().map_or(true, |slot| slot.deferred().is_some())
}
