use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::system::timer_clock;

/// A deadline for the batches of one lane, with one timer for all of them.
///
/// The timer fires every second, and checks the running batch. A timer per batch would wake the thread that waits for
/// sockets twice per batch: Tokio wakes it for each timer that ends before all others. For the same reason the timer is
/// never more than a second away: the stores' own timeouts are longer, and wake no thread.
pub(super) struct Alarm {
    deadline: Duration,
    timer: Pin<Box<Sleep>>,
}

/// The longest time between two checks.
const LOOK: Duration = Duration::from_secs(1);

impl Alarm {
    /// Returns an alarm for batches that must end within `deadline`.
    pub(super) fn new(deadline: Duration) -> Self {
        Self { deadline, timer: Box::pin(sleep(deadline.min(LOOK))) }
    }

    /// Waits for a batch. Returns `None` if it does not end in time.
    pub(super) async fn bound<T>(&mut self, batch: impl Future<Output = T>) -> Option<T> {
        let end = timer_clock() + self.deadline;
        let mut batch = pin!(batch);
        poll_fn(|context| {
            if let Poll::Ready(answers) = batch.as_mut().poll(context) {
                return Poll::Ready(Some(answers));
            }
            while self.timer.as_mut().poll(context).is_ready() {
                let now = timer_clock();
                if now >= end {
                    return Poll::Ready(None);
                }
                self.timer.as_mut().reset(end.min(now + LOOK));
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_batch_has_the_whole_deadline_and_no_more() {
        let deadline = Duration::from_millis(2500);
        let mut alarm = Alarm::new(deadline);
        for idle_ms in [0, 10, 999, 3000] {
            sleep(Duration::from_millis(idle_ms)).await;
            let began = timer_clock();
            assert_eq!(alarm.bound(sleep(Duration::from_millis(2490))).await, Some(()));
            assert_eq!(began.elapsed(), Duration::from_millis(2490));
            let began = timer_clock();
            assert_eq!(alarm.bound(pending::<()>()).await, None);
            assert_eq!(began.elapsed(), deadline);
        }
    }
}
