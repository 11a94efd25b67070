use crate::Timestamp;

/// The bound on the disorder of sealed events: positions follow the commits, and instants the clocks of the writers.
///
/// An event is late if its instant lies before that of an event at an earlier position. With the largest lateness, a range
/// of instants is found as a range of positions: everything behind an event that is newer than the range by more than the
/// largest lateness is newer than the range too, and likewise before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// The latest instant of all events; `None` = there is none.
    pub latest: Option<Timestamp>,
    /// The largest lateness of an event, in ms.
    pub most_ms: u64,
}

impl Lateness {
    /// Takes the next event, in the order of positions.
    pub fn observe(&mut self, at: Timestamp) {
        match self.latest {
            Some(latest) if at < latest => self.most_ms = self.most_ms.max(latest.millis_since(at)),
            _ => self.latest = Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_of_a_time_lie_between_those_that_are_older_and_newer_by_the_largest_lateness(
            instants in prop::collection::vec(0_i64..50, 1..40),
            start in 0_i64..50,
            length in 0_i64..20,
        ) {
            let mut lateness = Lateness::default();
            for at in &instants {
                lateness.observe(Timestamp::from_millis(*at));
            }
            let (most, end) = (i64::try_from(lateness.most_ms).unwrap(), start + length);
            for (position, at) in instants.iter().enumerate().filter(|(_, at)| (start..end).contains(*at)) {
                let newer = instants.iter().position(|other| *other >= end + most);
                let older = instants.iter().rposition(|other| *other < start - most);
                prop_assert!(newer.is_none_or(|newer| position < newer), "{at} lies behind a newer one");
                prop_assert!(older.is_none_or(|older| older < position), "{at} lies before an older one");
            }
        }
    }

    #[test]
    fn events_in_order_are_not_late() {
        let mut lateness = Lateness::default();
        for at in [3, 3, 5, 9] {
            lateness.observe(Timestamp::from_millis(at));
        }
        assert_eq!(lateness, Lateness { latest: Some(Timestamp::from_millis(9)), most_ms: 0 });
    }
}
