//! Verifications that the server settled in one transaction, as counted by its own metrics.

use serde::Serialize;

use crate::Failure;
use crate::api::Api;

/// Sums over all batches since a server's start, or between two moments.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Batches {
    count: f64,
    verifications: f64,
    waits: f64,
    waited_s: f64,
}

/// Means over the batches of one round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Batch {
    /// The number of verifications in a batch.
    pub(crate) size: f64,
    /// The time from a verification's entry into the queue to its batch's start.
    pub(crate) wait_us: f64,
}

impl Batches {
    /// Returns the sum of the servers' counts so far; `None` = one of them has no metrics.
    pub(crate) async fn of(servers: &[Api]) -> Result<Option<Self>, Failure> {
        let mut sum = Self::default();
        for server in servers {
            let Some(counted) = server.metrics().await?.as_deref().and_then(Self::read) else { return Ok(None) };
            sum.count += counted.count;
            sum.verifications += counted.verifications;
            sum.waits += counted.waits;
            sum.waited_s += counted.waited_s;
        }
        Ok(Some(sum))
    }

    /// Returns the means since an earlier moment; `None` = there was no batch, for example because usage is deferred.
    pub(crate) fn since(self, earlier: Self) -> Option<Batch> {
        let (batches, waits) = (self.count - earlier.count, self.waits - earlier.waits);
        (batches > 0.0 && waits > 0.0).then(|| Batch {
            size: (self.verifications - earlier.verifications) / batches,
            wait_us: (self.waited_s - earlier.waited_s) / waits * 1e6,
        })
    }

    fn read(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut samples = text.lines().filter_map(|line| line.split_once(' '));
            samples.find(|(found, _)| *found == name).and_then(|(_, value)| value.parse().ok())
        };
        Some(Self {
            count: value("keymint_batch_size_count")?,
            verifications: value("keymint_batch_size_sum")?,
            waits: value("keymint_batch_wait_seconds_count")?,
            waited_s: value("keymint_batch_wait_seconds_sum")?,
        })
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
    fn means_are_of_what_was_added() {
        let batch = counted(12, 140, 0.25).since(counted(2, 40, 0.05)).unwrap();
        assert_eq!((batch.size.round(), batch.wait_us.round()), (10.0, 2000.0));
    }

    #[test]
    fn nothing_is_made_up_where_nothing_is_said() {
        assert!(Batches::read("keymint_build_info 1\n").is_none());
        assert!(counted(2, 40, 0.5).since(counted(2, 40, 0.5)).is_none());
    }
}
