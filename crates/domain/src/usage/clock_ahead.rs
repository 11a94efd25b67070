use crate::{ApiKey, Timestamp};

/// The largest lead, in milliseconds, that another process' clock may have over ours.
///
/// An instant with a smaller lead is not corrected: if it were, each process in turn would give the difference to the
/// key's holder.
const SKEW_MS: u64 = 1000;

impl ApiKey {
    /// Moves the key's instants that lie ahead of the present, because a clock was wrong, to `now`.
    ///
    /// The counts stay, and lapse from now on, so that no client waits longer than a window or a refill's interval.
    /// Such counters must be stored whatever the decision is: if every look moved them again, they would never lapse.
    pub(crate) fn bring_to(&mut self, now: Timestamp) {
        let (Self { details, usage }, latest) = (self, now.plus_millis(SKEW_MS));
        // A quota that has never been refilled waits from the key's creation on, and no counter changes that instant.
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
