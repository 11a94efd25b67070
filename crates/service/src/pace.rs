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

/// Paces a chore on the store into portions and pauses, so that it hardly slows verifications down.
#[derive(Debug)]
pub(crate) struct Pace {
    portion: NonZeroU32,
    max: NonZeroU32,
}

impl Pace {
    /// Returns the pace of a chore with at most `max` rows in a portion.
    pub(crate) fn of(max: NonZeroU32) -> Self {
        Self { portion: max, max }
    }

    /// Returns the rows of the next portion.
    pub(crate) fn portion(&self) -> NonZeroU32 {
        self.portion
    }

    /// Pauses after a portion that took `took`, and adapts the size of the next one.
    pub(crate) async fn rest(&mut self, took: Duration) {
        self.adapt(took);
        tokio::time::sleep(took * PAUSES_FOR).await;
    }

    fn adapt(&mut self, took: Duration) {
        let rows = self.portion.get();
        let next = if took > PORTION_TAKES { rows / 2 } else { rows.saturating_mul(2) };
        self.portion = NonZeroU32::new(next).unwrap_or(NonZeroU32::MIN).min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_shrinks_where_it_takes_too_long_and_grows_again_up_to_its_limit() {
        let next = |portion, ms| {
            let [portion, max] = [portion, 100].map(|rows| NonZeroU32::new(rows).unwrap());
            let mut pace = Pace { portion, max };
            pace.adapt(Duration::from_millis(ms));
            pace.portion().get()
        };
        assert_eq!([next(100, 2), next(3, 2), next(1, 2)], [50, 1, 1]);
        assert_eq!([next(1, 1), next(50, 1), next(100, 0)], [2, 100, 100]);
    }
}
