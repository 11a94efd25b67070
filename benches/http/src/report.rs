use std::fmt;

use serde::Serialize;

use crate::Failure;
use crate::arguments::Run;
use crate::figures::Spread;
use crate::load::Round;
use crate::machine::Machine;
use crate::rounds::{Accounts, Results};
use crate::startup::Startup;
use crate::subject::Kind;

/// Everything that a run found. `Display` is the table for people.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    options: Run,
    startup: Startup,
    subjects: Vec<Row>,
}

/// One subject's figures.
#[derive(Debug, Serialize)]
struct Row {
    subject: Kind,
    per_second: Spread,
    /// To the bare endpoint, each round to the same round's.
    ratio: Spread,
    p50_us: Spread,
    p99_us: Spread,
    accounts: Option<Accounts>,
    rounds: Vec<Round>,
}

impl Report {
    /// Puts the figures together; the bare endpoint's results are the first.
    pub(crate) fn new(run: &Run, machine: Machine, startup: Startup, results: Vec<Results>) -> Self {
        let bare: Vec<f64> = results[0].rounds.iter().map(Round::per_second).collect();
        let subjects = results.into_iter().map(|results| Row::new(results, &bare)).collect();
        Self { machine, options: run.clone(), startup, subjects }
    }

    pub(crate) fn to_json(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Row {
    #[expect(clippy::cast_precision_loss, reason = "a latency in microseconds is far below 2^53")]
    fn new(results: Results, bare: &[f64]) -> Self {
        let Results { kind, rounds, accounts } = results;
        let of = |figure: fn(&Round) -> f64| Spread::of(rounds.iter().map(figure));
        Self {
            subject: kind,
            per_second: of(Round::per_second),
            ratio: Spread::of(rounds.iter().zip(bare).map(|(round, bare)| round.per_second() / bare)),
            p50_us: of(|round| round.p50_us as f64),
            p99_us: of(|round| round.p99_us as f64),
            accounts,
            rounds,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, options: run, startup, subjects } = self;
        writeln!(
            f,
            "\n{} cores, one durable write {:.0} us, load by {}",
            machine.cores, machine.commit_us.median, machine.wrk
        )?;
        writeln!(
            f,
            "{} connections, {} rounds of {} s, {} keys with quota and rate limit; medians (min to max)\n",
            run.connections, run.rounds, run.seconds, run.keys
        )?;
        let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 5]| {
            let [subject, per_second, ratio, p50, p99] = cells;
            writeln!(f, "| {subject:<8} | {per_second:<24} | {ratio:<19} | {p50:<22} | {p99:<22} |")
        };
        line(f, ["", "verifications a second", "ratio to bare", "p50, ms", "p99, ms"])?;
        line(f, ["---"; 5])?;
        for row in subjects {
            line(
                f,
                [
                    &row.subject.to_string(),
                    &cell(row.per_second, 1.0, 0),
                    &cell(row.ratio, 1.0, 2),
                    &cell(row.p50_us, 1e-3, 2),
                    &cell(row.p99_us, 1e-3, 2),
                ],
            )?;
        }
        writeln!(f)?;
        for row in subjects {
            if let Some(Accounts { spent, answered }) = row.accounts {
                writeln!(f, "{:<8} answered {answered}, quotas spent {spent}", row.subject)?;
            }
        }
        let (first, again) = (cell(startup.first_ms, 1.0, 1), cell(startup.again_ms, 1.0, 1));
        writeln!(f, "\nkeymint on SQLite, start to first answer, ms: {first}; on a database that is there: {again}")
    }
}

/// A median and its extremes in another unit.
fn cell(spread: Spread, unit: f64, digits: usize) -> String {
    let Spread { median, min, max } = spread;
    let [median, min, max] = [median, min, max].map(|value| value * unit);
    format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(kind: Kind, answered: &[u64]) -> Results {
        let round = |answered| Round { answered, took_us: 500_000, p50_us: 1500, p99_us: 3000, refused: 0, broken: 0 };
        Results { kind, rounds: answered.iter().copied().map(round).collect(), accounts: None }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let bare = results(Kind::Bare, &[100, 400, 200]);
        let bare_rates: Vec<f64> = bare.rounds.iter().map(Round::per_second).collect();
        let row = Row::new(results(Kind::Sqlite, &[50, 100, 150]), &bare_rates);
        assert_eq!(row.per_second, Spread { median: 200.0, min: 100.0, max: 300.0 });
        assert_eq!(row.ratio, Spread { median: 0.5, min: 0.25, max: 0.75 });
        assert_eq!(cell(row.p50_us, 1e-3, 2), "1.50 (1.50 to 1.50)");
    }
}
