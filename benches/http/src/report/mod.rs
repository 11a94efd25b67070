mod row;
pub(crate) mod table;

use serde::Serialize;

use self::row::Row;
use crate::arguments::Run;
use crate::books::Accounts;
use crate::load::Round;
use crate::machine::Machine;
use crate::rounds::Results;
use crate::startup::Startup;
use crate::subject::Kind;

/// The results of a run. `Display` is the table for people.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    options: Run,
    startup: Startup,
    /// By point, then by subject.
    rows: Vec<Row>,
    subjects: Vec<Whole>,
}

/// The results of a subject over all points.
#[derive(Debug, Serialize)]
struct Whole {
    subject: Kind,
    accounts: Option<Accounts>,
    resident_kib: Option<u64>,
}

impl Report {
    /// Combines the figures. The bare endpoint's results are the first.
    pub(crate) fn new(run: &Run, machine: Machine, startup: Startup, results: &[Results]) -> Self {
        let mut rows = Vec::new();
        for (place, bare) in results[0].points.iter().enumerate() {
            for results in results {
                // The same connections with the first pick and endpoint, as the reference.
                let first = results.points.iter().find(|other| other.point.connections == bare.point.connections);
                let rates = |rounds: &[Round]| rounds.iter().map(Round::per_second).collect::<Vec<_>>();
                let first = first.map(|first| rates(&first.rounds)).unwrap_or_default();
                rows.push(Row::new(results.kind, &results.points[place], &rates(&bare.rounds), &first));
            }
        }
        let whole = |results: &Results| Whole {
            subject: results.kind,
            accounts: results.accounts,
            resident_kib: results.resident_kib,
        };
        Self { machine, options: run.clone(), startup, rows, subjects: results.iter().map(whole).collect() }
    }
}
