//! Verifications that the server settled in one transaction, as counted by its own metrics.

use crate::Failure;
use crate::api::Api;
use crate::figures::Figures;

/// Sums over all batches since the servers' start: their number, their verifications, and the time that these waited,
/// in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Batches([f64; 4]);

const METRICS: [&str; 4] = [
    "keymint_batch_size_count",
    "keymint_batch_size_sum",
    "keymint_batch_wait_seconds_count",
    "keymint_batch_wait_seconds_sum",
];

impl Batches {
    /// Returns the sum of the servers' counts so far; `None` = one of them has no metrics.
    pub(crate) async fn of(servers: &[Api]) -> Result<Option<Self>, Failure> {
        let mut sum = Self::default();
        for server in servers {
            let Some(counted) = server.metrics().await?.as_deref().and_then(Self::read) else { return Ok(None) };
            sum = Self(std::array::from_fn(|place| sum.0[place] + counted.0[place]));
        }
        Ok(Some(sum))
    }

    /// Adds the means since an earlier moment, if there was a batch. With deferred usage there may be none.
    pub(crate) fn enter(self, earlier: Self, figures: &mut Figures) {
        let [batches, verifications, waits, waited_s] = std::array::from_fn(|place| self.0[place] - earlier.0[place]);
        if batches > 0.0 && waits > 0.0 {
            figures.add("batch_size", verifications / batches);
            figures.add("batch_wait_us", waited_s / waits * 1e6);
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut found = [0.0; METRICS.len()];
        for (value, metric) in found.iter_mut().zip(METRICS) {
            let mut samples = text.lines().filter_map(|line| line.split_once(' '));
            *value = samples.find(|(name, _)| *name == metric)?.1.parse().ok()?;
        }
        Some(Self(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(batches: u32, verifications: u32, waited_s: f64) -> Batches {
        let text = format!(
            "# TYPE keymint_batch_size histogram\nkeymint_batch_size_bucket{{le=\"1\"}} 1\n\
             keymint_batch_size_sum {verifications}\nkeymint_batch_size_count {batches}\n\
             keymint_batch_wait_seconds_sum {waited_s}\nkeymint_batch_wait_seconds_count {verifications}\n"
        );
        Batches::read(&text).unwrap()
    }

    #[test]
    fn means_are_of_what_was_added_and_nothing_is_made_up() {
        let mut figures = Figures::default();
        counted(2, 40, 0.05).enter(counted(2, 40, 0.05), &mut figures);
        assert!(figures.spread("batch_size").is_none() && Batches::read("keymint_build_info 1\n").is_none());
        counted(12, 140, 0.25).enter(counted(2, 40, 0.05), &mut figures);
        let rounded = |name| format!("{:.0}", figures.median(name));
        assert_eq!([rounded("batch_size"), rounded("batch_wait_us")], ["10", "2000"]);
    }
}
