use std::num::NonZeroU32;

use keymint_domain::key::KeyCounts;

use crate::pace::Pace;
use crate::{Keys, ServiceError, stopwatch};

/// Keys that one statement counts at most: about as many as SQLite counts in the time that a portion should take.
const PORTION: NonZeroU32 = NonZeroU32::new(1024).unwrap();

impl Keys {
    /// Counts the keys by their state now, and tells the meter once it has counted all.
    ///
    /// Errors: the store failed, and nothing is told.
    pub(crate) async fn count(&self) -> Result<(), ServiceError> {
        let (now, mut pace) = (self.clock.now(), Pace::of(PORTION));
        let (mut counts, mut from) = (KeyCounts::default(), None);
        loop {
            let began = stopwatch();
            let found = self.store.count(now, from.take(), pace.portion()).await?;
            counts += found.counts;
            from = found.next;
            if from.is_none() {
                self.meter.counted(&counts);
                return Ok(());
            }
            pace.rest(began.elapsed()).await;
        }
    }
}
