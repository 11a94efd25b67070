use crate::{ApiKey, Timestamp};

/// How far ahead of ours the clock of another process may be, in milliseconds. So far ahead an instant is as good as the
/// present: were it moved, every process in turn would win the difference for the key's holder.
const SKEW_MS: u64 = 1000;

impl ApiKey {
    /// Brings the key's counters to the present: an instant that lies ahead, because a clock was wrong, is moved to
    /// `now`. What was counted stays counted, and goes on lapsing from here, so that nobody waits for longer than a window or a
    /// refill's interval. Such counters are to be kept whatever is decided on them: moved anew by every look, they would
    /// never lapse.
    pub(crate) fn bring_to(&mut self, now: Timestamp) {
        let (Self { details, usage }, latest) = (self, now.plus_millis(SKEW_MS));
        // A quota that has never been refilled waits from the key's creation on, which no counter moves.
        if details.created_at > latest
            && usage.last_refill_at.is_none()
            && usage.remaining.is_some()
            && details.refill().is_some()
        {
            usage.last_refill_at = Some(now);
        }
        let instants = [usage.last_refill_at.as_mut(), usage.last_request.as_mut(), Some(&mut usage.updated_at)];
        instants.into_iter().flatten().filter(|at| **at > latest).for_each(|at| *at = now);
    }
}
