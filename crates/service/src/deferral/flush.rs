use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;

use super::copies::Copies;
use super::slot::Slot;
use crate::ServiceError;

/// Keys that a flush has on their way at once: as many as one transaction takes.
const AT_ONCE: usize = 512;

/// The job that writes what was deferred. Dropping it ends the job.
pub(super) struct Flusher(JoinHandle<()>);

impl Drop for Flusher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Flusher {
    pub(super) fn start(copies: Arc<Copies>, interval: Duration) -> Self {
        Self(tokio::spawn(async move {
            // An interval of nothing would be none at all, which Tokio refuses.
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
    /// Writes all that is not written yet, and gives up the slots that nobody uses. Returns the last failure.
    pub(super) async fn flush(self: &Arc<Self>) -> Result<(), ServiceError> {
        let used: Vec<_> = self.slots().values().filter(|slot| may_have_deferred(slot)).cloned().collect();
        let mut outcome = Ok(());
        for slots in used.chunks(AT_ONCE) {
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

    /// Removes the slots that say nothing any more. Slots are lent under the map's lock, so that one with a single owner
    /// is lent to nobody.
    fn sweep(&self) {
        let now = self.clock.now();
        let is_used = |slot: &Slot| slot.deferred().is_some() || slot.is_fresh(now, self.flush_ms);
        self.slots()
            .retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().map_or(true, |slot| is_used(&slot)));
    }
}

/// A slot that is locked may be about to have some.
fn may_have_deferred(slot: &AsyncMutex<Slot>) -> bool {
    slot.try_lock().map_or(true, |slot| slot.deferred().is_some())
}
