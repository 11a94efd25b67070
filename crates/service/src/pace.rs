use std::num::NonZeroU32;
use std::time::Duration;

/// The target time of a portion, including its own wait for a turn: on a store with one writer every verification waits
/// for it.
///
/// With less than the wait for a turn, the portions would shrink to one row.
const PORTION_TAKES: Duration = Duration::from_millis(1);

/// The pause after a portion, as a multiple of the portion's time. A chore takes a twentieth of one core, or of the
/// writer's time.
const PAUSES_FOR: u32 = 19;

/// The pause after a portion of a command that somebody waits for. A portion's time has its wait for a turn, which
/// verifications use: of a writer that is busy, it takes less than a fifth.
const COMMAND_PAUSES_FOR: u32 = 1;

/// The least and the most rows in a portion of such a command. With fewer, most of the time would go into commits and into
/// waits for a turn: a busy SQLite takes three times as long for portions of 32 rows.
const COMMAND_ROWS: [NonZeroU32; 2] = [NonZeroU32::new(128).unwrap(), NonZeroU32::new(1024).unwrap()];

/// Paces work on the store into portions and pauses, so that verifications go on.
#[derive(Debug)]
pub(crate) struct Pace {
    portion: NonZeroU32,
    min: NonZeroU32,
    max: NonZeroU32,
    pauses_for: u32,
}

impl Pace {
    /// Returns the pace of a chore with at most `max` rows in a portion.
    pub(crate) fn of(max: NonZeroU32) -> Self {
        Self { portion: max, min: NonZeroU32::MIN, max, pauses_for: PAUSES_FOR }
    }

    /// Returns the pace of a command that somebody waits for.
    pub(crate) fn of_command() -> Self {
        let [min, max] = COMMAND_ROWS;
        Self { portion: min, min, max, pauses_for: COMMAND_PAUSES_FOR }
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
        let next = if took > PORTION_TAKES { rows / 2 } else { rows.saturating_mul(2) };
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
