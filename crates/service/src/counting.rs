use std::num::NonZeroU32;

use keymint_domain::key::KeyCounts;

use crate::pace::Pace;
use crate::{Keys, ServiceError, stopwatch};

/// The largest number of keys that one statement counts: about as many as SQLite counts in the time that a portion
/// should take.
const PORTION: NonZeroU32 = NonZeroU32::new(1024).unwrap();

impl Keys {
    /// Counts the keys by their current state, and reports the counts to the meter at the end.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Nothing is reported then.
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
