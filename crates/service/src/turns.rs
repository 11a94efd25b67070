use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep_until;

use crate::{ServiceError, stopwatch};

/// Bounds how many requests of a kind run at the same time, so that the others get their share of the processor and of
/// the store. It also bounds those that wait.
pub struct Turns {
    /// The places of requests that run and of requests that wait.
    places: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
    /// The instants from which the free turns may be taken, if turns rest.
    rested: Option<Rested>,
}

type Rested = Arc<Mutex<Vec<Instant>>>;

/// The number of requests that may wait for each one that runs.
const WAITING: usize = 64;

/// The same if turns rest. A client that is turned away asks again at once, and that costs more than to let it wait.
const WAITING_FOR_RESTS: usize = 512;

/// The longest rest after a turn. Work that takes longer mostly waits for a slow database.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// The right to run. The next request begins when it is dropped.
#[must_use]
pub struct Turn {
    #[cfg_attr(not(test), expect(dead_code, reason = "it counts when it is dropped"))]
    rest: Option<Rest>,
    _held: [OwnedSemaphorePermit; 2],
}

/// The rest of one turn. It goes back when it is dropped, even if a caller waits for its end.
struct Rest {
    until: Instant,
    /// The instant at which the turn was taken.
    began: Option<Instant>,
    home: Rested,
}

impl Turns {
    /// Lets `at_once` requests run at the same time, and 64 more wait for each of them.
    pub fn new(at_once: NonZeroUsize) -> Self {
        Self::with_room(at_once, WAITING)
    }

    fn with_room(at_once: NonZeroUsize, waiting: usize) -> Self {
        let at_once = at_once.get().min(Semaphore::MAX_PERMITS / (waiting + 1));
        Self {
            places: Arc::new(Semaphore::new(at_once * (waiting + 1))),
            at_once: Arc::new(Semaphore::new(at_once)),
            rested: None,
        }
    }

    /// Lets `at_once` requests run at the same time, and 512 more wait for each of them. Each turn rests for as long as it
    /// was held, at most for one second.
    ///
    /// Requests of the kind then take at most half of the time of `at_once` threads, however many there are.
    pub fn at_half_time(at_once: NonZeroUsize) -> Self {
        let turns = Self::with_room(at_once, WAITING_FOR_RESTS);
        let rested = vec![stopwatch(); turns.at_once.available_permits()];
        Self { rested: Some(Arc::new(Mutex::new(rested))), ..turns }
    }

    /// Waits for a turn, in order of arrival. A caller that stops waiting frees its place.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] at once if too many requests wait.
    pub async fn take(&self) -> Result<Turn, ServiceError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ServiceError::Overloaded)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| ServiceError::Overloaded)?;
        let rest = match &self.rested {
            Some(rested) => Some(Rest::first_of(rested).ended().await),
            None => None,
        };
        Ok(Turn { rest, _held: [place, turn] })
    }
}

impl Rest {
    /// Takes the rest that ends first.
    fn first_of(rested: &Rested) -> Self {
        let mut instants = lock(rested);
        let first = (0..instants.len()).min_by_key(|position| instants[*position]);
        // There are as many rests as permits, so that each caller that holds a permit finds one.
        let until = first.map_or_else(stopwatch, |position| instants.swap_remove(position));
        Self { until, began: None, home: Arc::clone(rested) }
    }

    /// Waits for its end, when the turn begins.
    async fn ended(mut self) -> Self {
        if self.until > stopwatch() {
            sleep_until(self.until.into()).await;
        }
        self.began = Some(stopwatch());
        self
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(began) = self.began {
            let now = stopwatch();
            self.until = now + now.saturating_duration_since(began).min(LONGEST_REST);
        }
        lock(&self.home).push(self.until);
    }
}

fn lock(rested: &Mutex<Vec<Instant>>) -> MutexGuard<'_, Vec<Instant>> {
    rested.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("free", &self.at_once.available_permits()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
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

    #[tokio::test]
    async fn a_turn_rests_for_as_long_as_it_was_held_and_at_most_for_a_second() {
        for (held_ms, least, most) in [(300, 300, 400), (30_000, 1000, 1000)] {
            let turns = Turns::at_half_time(NonZeroUsize::MIN);
            let mut turn = turns.take().now_or_never().unwrap().unwrap();
            turn.rest.as_mut().unwrap().began = stopwatch().checked_sub(Duration::from_millis(held_ms));
            let given_back = stopwatch();
            drop(turn);
            let until = lock(turns.rested.as_ref().unwrap())[0];
            let rest = until - given_back;
            assert!(rest >= Duration::from_millis(least), "{rest:?}");
            assert!(until <= stopwatch() + Duration::from_millis(most), "{rest:?}");
        }
    }

    #[tokio::test]
    async fn a_caller_that_stops_waiting_for_the_end_of_a_rest_leaves_it_as_it_is() {
        let turns = Turns::at_half_time(NonZeroUsize::MIN);
        let tomorrow = stopwatch() + Duration::from_hours(24);
        lock(turns.rested.as_ref().unwrap())[0] = tomorrow;
        assert!(turns.take().now_or_never().is_none());
        assert_eq!(*lock(turns.rested.as_ref().unwrap()), [tomorrow]);
    }

    #[tokio::test]
    async fn several_turns_rest_each_for_itself() {
        let turns = Turns::at_half_time(NonZeroUsize::new(2).unwrap());
        let tomorrow = stopwatch() + Duration::from_hours(24);
        lock(turns.rested.as_ref().unwrap())[0] = tomorrow;
        let first = turns.take().now_or_never();
        assert!(first.is_some(), "the other one has rested");
        assert!(turns.take().now_or_never().is_none());
    }
}
