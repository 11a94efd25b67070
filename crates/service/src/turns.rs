use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ServiceError;

/// Bounds how many requests of a kind run at the same time, so that the others get their share of the processor and of
/// the store. It also bounds those that wait.
pub struct Turns {
    /// The places of those that run and of those that wait.
    places: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

/// The number of requests that may wait for each one that runs.
const WAITING: usize = 64;

/// The right to run. The next request runs when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    _held: [OwnedSemaphorePermit; 2],
}

impl Turns {
    /// Lets `at_once` requests run, and 64 more wait for each of them.
    pub fn new(at_once: NonZeroUsize) -> Self {
        let at_once = at_once.get().min(Semaphore::MAX_PERMITS / (WAITING + 1));
        Self { places: Arc::new(Semaphore::new(at_once * (WAITING + 1))), at_once: Arc::new(Semaphore::new(at_once)) }
    }

    /// Waits for a turn, in order of arrival. A request that stops waiting frees its place.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`], at once, if too many wait.
    pub async fn take(&self) -> Result<Turn, ServiceError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ServiceError::Overloaded)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| ServiceError::Overloaded)?;
        Ok(Turn { _held: [place, turn] })
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("free", &self.at_once.available_permits()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::poll_immediate;

    use super::*;

    #[tokio::test]
    async fn one_works_64_wait_and_whoever_gives_up_leaves_a_place() {
        let turns = Turns::new(NonZeroUsize::MIN);
        let first = turns.take().await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(turns.take())).collect();
        for one in &mut waiting {
            assert!(poll_immediate(one).await.is_none());
        }
        assert!(matches!(turns.take().now_or_never(), Some(Err(ServiceError::Overloaded))));
        waiting.pop();
        waiting.push(Box::pin(turns.take()));
        assert!(poll_immediate(waiting.last_mut().unwrap()).await.is_none());
        drop(first);
        let second = poll_immediate(&mut waiting[0]).await.unwrap().unwrap();
        assert!(poll_immediate(&mut waiting[1]).await.is_none(), "one at a time");
        drop(second);
        assert!(poll_immediate(&mut waiting[1]).await.unwrap().is_ok());
    }
}
