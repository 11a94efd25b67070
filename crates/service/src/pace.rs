use std::num::NonZeroU32;
use std::time::Duration;

/// The target time of a chore's portion, including its own wait for a turn: on a store with one writer every verification
/// waits for it.
///
/// With less than the wait for a turn, the portions would shrink to one row.
const PORTION_TAKES: Duration = Duration::from_millis(1);

/// The pause after a portion, as a multiple of the portion's time. A chore takes a twentieth of one core, or of the
/// writer's time.
const PAUSES_FOR: u32 = 19;

/// The target time of a portion of work that somebody waits for. Each portion costs a commit, and what another process has
/// written makes a server read its keys again.
const AWAITED_TAKES: Duration = Duration::from_millis(15);

/// The pause after a portion of such work: it takes less than a sixth of the writer's time.
const AWAITED_PAUSES_FOR: u32 = 5;

/// The pause after a portion of work that somebody has waited for too long: it takes less than a quarter of the writer's
/// time.
const LATE_PAUSES_FOR: u32 = 3;

/// Paces work on the store into portions and pauses, so that verifications go on.
#[derive(Debug)]
pub(crate) struct Pace {
    portion: NonZeroU32,
    min: NonZeroU32,
    max: NonZeroU32,
    takes: Duration,
    pauses_for: u32,
}

impl Pace {
    /// Returns the pace of a chore with at most `max` rows in a portion.
    pub(crate) fn of(max: NonZeroU32) -> Self {
        Self { portion: max, min: NonZeroU32::MIN, max, takes: PORTION_TAKES, pauses_for: PAUSES_FOR }
    }

    /// Returns the pace of work that somebody waits for, with from `min` to `max` rows in a portion. With few rows, most of
    /// the time would go into commits and into waits for a turn.
    pub(crate) fn awaited([min, max]: [NonZeroU32; 2]) -> Self {
        Self { portion: min, min, max, takes: AWAITED_TAKES, pauses_for: AWAITED_PAUSES_FOR }
    }

    /// Returns the pace of work that gives way to all other work until it is [late](Self::hasten), with `rows` in each portion.
    pub(crate) fn yielding(rows: NonZeroU32) -> Self {
        Self { portion: rows, min: rows, max: rows, takes: AWAITED_TAKES, pauses_for: PAUSES_FOR }
    }

    /// Shortens the pauses, since the work is late.
    pub(crate) fn hasten(&mut self) {
        self.pauses_for = LATE_PAUSES_FOR;
    }

    /// Returns the rows of the next portion.
    pub(crate) fn portion(&self) -> NonZeroU32 {
        self.portion
    }

    /// Pauses after a portion that took `took`, and adapts the size of the next one.
    pub(crate) async fn rest(&mut self, took: Duration) {
        self.adapt(took);
        tokio::time::sleep(took * self.pauses_for).await;
    }

    fn adapt(&mut self, took: Duration) {
        let rows = self.portion.get();
        let next = if took > self.takes { rows / 2 } else { rows.saturating_mul(2) };
        self.portion = NonZeroU32::new(next).unwrap_or(NonZeroU32::MIN).clamp(self.min, self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_shrinks_where_it_takes_too_long_and_grows_again_up_to_its_limit() {
        let next = |portion, ms| {
            let [portion, max] = [portion, 100].map(|rows| NonZeroU32::new(rows).unwrap());
            let mut pace = Pace { portion, ..Pace::of(max) };
            pace.adapt(Duration::from_millis(ms));
            pace.portion().get()
        };
        assert_eq!([next(100, 2), next(3, 2), next(1, 2)], [50, 1, 1]);
        assert_eq!([next(1, 1), next(50, 1), next(100, 0)], [2, 100, 100]);
    }
}
