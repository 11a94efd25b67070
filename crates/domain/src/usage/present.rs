use super::Usage;
use crate::{ApiKey, Timestamp};

/// How far ahead of ours the clock of another process may be, in milliseconds. So far ahead an instant is as good as the
/// present: were it moved, every process in turn would win the difference for the key's holder.
const SKEW_MS: u64 = 1000;

impl ApiKey {
    /// The key's counters, as whoever looks at `now` takes them: an instant that lies ahead, because a clock was wrong, is
    /// moved to the present. What was counted stays counted, and goes on lapsing from here, so that nobody waits for
    /// longer than a window or a refill's interval. Such counters are to be kept whatever is decided on them: moved anew
    /// by every look, they would never lapse.
    #[must_use]
    pub(crate) fn usage_at(&self, now: Timestamp) -> Usage {
        let latest = now.plus_millis(SKEW_MS);
        let present = |at: Timestamp| if at > latest { now } else { at };
        // A quota that has never been refilled waits from the key's creation on, which no counter moves.
        let never_refilled_ahead = || {
            let waits = self.usage.remaining.is_some() && self.details.refill().is_some();
            (waits && self.details.created_at > latest).then_some(now)
        };
        Usage {
            last_refill_at: self.usage.last_refill_at.map(present).or_else(never_refilled_ahead),
            last_request: self.usage.last_request.map(present),
            updated_at: present(self.usage.updated_at),
            ..self.usage
        }
    }
}
