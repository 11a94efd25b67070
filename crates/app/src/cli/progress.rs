//! Progress on standard error, if it is a terminal and the work takes longer than a moment.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keymint_service::stopwatch;
use tokio::time::timeout;

/// The time after which work shows its progress.
const AFTER: Duration = Duration::from_secs(2);

/// The time between two frames of a bar that nothing else moves.
const FRAME: Duration = Duration::from_millis(120);

/// The progress of some work. It is gone from the terminal when it is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    is_shown: AtomicBool,
}

impl Progress {
    /// Begins work of `length` steps.
    pub(super) fn of(verb: &'static str, length: u64) -> Self {
        Self::by("{msg} {wide_bar} {percent}% {eta}", verb, Some(length))
    }

    /// Begins work of which nobody knows how long it is.
    pub(super) fn unknown(verb: &'static str) -> Self {
        Self::by("{spinner} {msg} {pos}", verb, None)
    }

    fn by(template: &str, verb: &'static str, length: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden()).with_message(verb);
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        Self { bar, began: stopwatch(), is_shown: AtomicBool::new(false) }
    }

    /// Sets the number of steps.
    pub(super) fn set_length(&self, length: u64) {
        self.bar.set_length(length);
    }

    /// Takes note of the steps that are done.
    pub(super) fn reached(&self, position: u64) {
        if !self.is_shown.load(Ordering::Relaxed) && self.began.elapsed() >= AFTER {
            self.show();
        }
        self.bar.set_position(position);
    }

    /// Writes to the terminal without disturbing the bar.
    pub(super) fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Shows the bar. Standard error that is no terminal shows nothing.
    fn show(&self) {
        self.is_shown.store(true, Ordering::Relaxed);
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Waits for `work`, and shows after a while that it goes on.
pub(super) async fn while_waiting<T>(verb: &'static str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match timeout(AFTER, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            let progress = Progress::by("{spinner} {msg} {elapsed}", verb, None);
            progress.show();
            progress.bar.enable_steady_tick(FRAME);
            work.await
        }
    }
}
