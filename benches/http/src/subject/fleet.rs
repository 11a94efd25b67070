use std::fmt;
use std::num::NonZeroUsize;

use serde::Serialize;

use super::Kind;

/// A kind of subject, and the number of its processes that share a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Fleet {
    #[serde(rename = "subject")]
    pub(crate) kind: Kind,
    pub(crate) processes: NonZeroUsize,
}

impl Fleet {
    /// Returns the fleets of a kind: of each of these sizes if its processes share a database, and else of one process.
    pub(crate) fn of(kind: Kind, processes: &[NonZeroUsize]) -> Vec<Self> {
        let sizes = if kind.is_shared() { processes } else { &[NonZeroUsize::MIN] };
        sizes.iter().map(|processes| Self { kind, processes: *processes }).collect()
    }
}

impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.processes.get() {
            1 => self.kind.fmt(f),
            processes => f.pad(&format!("{}, {processes} processes", self.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_runs_in_several_processes_if_they_share_a_database() {
        let sizes = [1, 2, 8].map(|size| NonZeroUsize::new(size).unwrap());
        let names = |kind| -> Vec<String> { Fleet::of(kind, &sizes).iter().map(ToString::to_string).collect() };
        assert_eq!(names(Kind::Postgres), ["postgres", "postgres, 2 processes", "postgres, 8 processes"]);
        for alone in [Kind::Bare, Kind::Memory, Kind::BetterAuthPostgres] {
            assert_eq!(names(alone), [alone.to_string()]);
        }
    }
}
