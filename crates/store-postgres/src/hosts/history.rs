use std::sync::{Mutex, MutexGuard, PoisonError};

use super::look::{Answer, Role};

/// The database that a store writes to, and the latest promotion that the store has heard of.
#[derive(Debug)]
pub(crate) struct History {
    system: String,
    timeline: Mutex<u32>,
}

/// The reason why a host must not be written to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is a standby")]
    Standby,
    #[error("it is read-only")]
    ReadOnly,
    #[error("it is a former primary: its timeline is {timeline}, and another host was promoted to {latest}")]
    Former { timeline: u32, latest: u32 },
    #[error("it is no copy of the database: its system identifier is another one")]
    Stranger,
    #[error("it does not answer: {0}")]
    Silent(String),
}

impl History {
    pub(crate) fn new(system: String, timeline: u32) -> Self {
        Self { system, timeline: Mutex::new(timeline) }
    }

    /// Returns the timeline of a host that may be written to, and remembers it.
    ///
    /// # Errors
    /// [`Refused`]
    pub(crate) fn admit(&self, answer: &Answer) -> Result<u32, Refused> {
        if answer.system != self.system {
            return Err(Refused::Stranger);
        }
        let timeline = written(answer)?;
        let mut latest = self.latest_mut();
        if timeline < *latest {
            return Err(Refused::Former { timeline, latest: *latest });
        }
        *latest = timeline;
        Ok(timeline)
    }

    fn latest_mut(&self) -> MutexGuard<'_, u32> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the timeline of a host that takes writes.
///
/// # Errors
/// [`Refused::Standby`], [`Refused::ReadOnly`]
pub(crate) fn written(answer: &Answer) -> Result<u32, Refused> {
    match answer.role {
        Role::Primary { timeline } => Ok(timeline),
        Role::Standby => Err(Refused::Standby),
        Role::ReadOnly => Err(Refused::ReadOnly),
    }
}

/// Returns the host to write to, of those that may be written to, by their timelines: the one that was promoted last. Of
/// equals, the present one stays, and otherwise the first is taken.
pub(crate) fn choose<R>(present: Option<usize>, timelines: &[Result<u32, R>]) -> Option<usize> {
    let latest = timelines.iter().flatten().max()?;
    let is_latest =
        |index: &usize| timelines.get(*index).is_some_and(|host| host.as_ref().is_ok_and(|own| own == latest));
    present.filter(is_latest).or_else(|| (0..timelines.len()).find(is_latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(role: Role) -> Answer {
        Answer { role, system: "7".to_owned() }
    }

    #[test]
    fn a_former_primary_is_refused_once_a_later_one_was_seen() {
        let history = History::new("7".to_owned(), 1);
        let primary = |timeline| answer(Role::Primary { timeline });
        assert_eq!(history.admit(&primary(1)), Ok(1));
        assert_eq!(history.admit(&answer(Role::Standby)), Err(Refused::Standby));
        assert_eq!(history.admit(&answer(Role::ReadOnly)), Err(Refused::ReadOnly));
        assert_eq!(history.admit(&primary(1)), Ok(1), "those that take no writes say nothing");
        assert_eq!(history.admit(&primary(3)), Ok(3));
        for timeline in [1, 2] {
            assert_eq!(history.admit(&primary(timeline)), Err(Refused::Former { timeline, latest: 3 }));
        }
        let stranger = Answer { role: Role::Primary { timeline: 9 }, system: "8".to_owned() };
        assert_eq!(history.admit(&stranger), Err(Refused::Stranger));
        assert_eq!(history.admit(&primary(3)), Ok(3), "a stranger's timeline is of another history");
    }

    #[test]
    fn the_last_one_to_be_promoted_is_written_to() {
        const NO: Result<u32, ()> = Err(());
        for (present, timelines, chosen) in [
            (None, [NO, NO, NO], None),
            (Some(0), [NO, NO, NO], None),
            (None, [NO, Ok(1), Ok(1)], Some(1)),
            (Some(2), [Ok(1), Ok(1), Ok(1)], Some(2)),
            (Some(0), [NO, NO, Ok(2)], Some(2)),
            (Some(0), [Ok(1), Ok(2), NO], Some(1)),
        ] {
            assert_eq!(choose(present, &timelines), chosen, "{present:?} {timelines:?}");
        }
    }
}
