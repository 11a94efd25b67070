use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::leak::{LeakOutcome, Reporter};
use keymint_ports::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::{FoundText, Keys, ServiceError, Source, Throttle};

/// Takes reports from anybody who holds a key, and tells them nothing.
///
/// The caller of a report learns neither by the answer nor by its time which of the texts are keys: the reports are
/// applied in a task of their own, and the answer is due at a fixed time, whatever the task has done by then.
#[derive(Debug, Clone)]
pub struct HolderReports {
    throttle: Option<Arc<Throttle>>,
    permits: Arc<Semaphore>,
    answer_after: Duration,
}

/// The limits of [`HolderReports`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderReportsOptions {
    /// The time from a report to its answer. Reports take less, unless the store is slow.
    pub answer_after: Duration,
    /// The largest number of reports that are applied at once.
    pub at_once: usize,
}

impl Default for HolderReportsOptions {
    /// Returns an answer after 500 ms, and 8 reports at once.
    fn default() -> Self {
        Self { answer_after: Duration::from_millis(500), at_once: 8 }
    }
}

/// The reason why a report was not taken. It does not depend on the texts.
#[derive(Debug, thiserror::Error)]
pub enum ReportRefused {
    /// Too many reports came from the client's address; the next may come after this time.
    #[error("too many reports came from one address")]
    Throttled(Duration),
    /// Too many reports are being applied, or the store is down.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The number of times that a report is applied until the store has taken it.
const TRIES: u32 = 5;

/// The time between two of them.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

impl HolderReports {
    /// Takes reports within these limits. `throttle` slows down an address.
    pub fn new(throttle: Option<Arc<Throttle>>, options: HolderReportsOptions) -> Self {
        let HolderReportsOptions { answer_after, at_once } = options;
        Self { throttle, permits: Arc::new(Semaphore::new(at_once)), answer_after }
    }

    /// Takes a report, and returns when its answer is due. `address` is the client's.
    ///
    /// A report that was taken is applied, even if nobody waits for its answer, and again if the store fails. The process
    /// loses it if it ends before.
    ///
    /// # Errors
    ///
    /// Returns [`ReportRefused`] for reasons that do not depend on the texts: the throttle, too many reports at once, or
    /// a store that takes no writes.
    pub async fn take(
        &self,
        keys: &Arc<Keys>,
        address: Option<IpAddr>,
        found: Vec<FoundText>,
        source: Source,
    ) -> Result<(), ReportRefused> {
        if let (Some(throttle), Some(address)) = (&self.throttle, address) {
            throttle.check(address).map_err(ReportRefused::Throttled)?;
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| ServiceError::Overloaded)?;
        keys.ready().await?;
        let due = sleep(self.answer_after);
        tokio::spawn(apply(Arc::clone(keys), found, source, permit));
        due.await;
        Ok(())
    }
}

async fn apply(keys: Arc<Keys>, found: Vec<FoundText>, source: Source, permit: OwnedSemaphorePermit) {
    for left in (0..TRIES).rev() {
        match keys.report_leaks(Reporter::Holder, &found, &source).await {
            Ok(outcomes) => {
                log_unreadable(&outcomes);
                break;
            }
            // Also where more slow hashes are to be computed than is allowed at once.
            Err(ServiceError::Overloaded | ServiceError::Store(StoreError::Unavailable(_) | StoreError::Locked))
                if left > 0 =>
            {
                sleep(BETWEEN_TRIES).await;
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a report of leaked keys was accepted and could not be applied");
                break;
            }
        }
    }
    drop(permit);
}

/// Logs the keys whose rows cannot be read, so that a report could not end them.
pub(crate) fn log_unreadable(outcomes: &[Result<LeakOutcome, StoreError>]) {
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let error = error as &dyn std::error::Error;
        tracing::error!(error, "a leaked key was reported, and its row cannot be read");
    }
}
