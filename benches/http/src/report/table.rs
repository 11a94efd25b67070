use std::fmt;

use super::{Report, Row, Whole};
use crate::books::Accounts;
use crate::figures::Spread;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, options: run, startup, rows, subjects } = self;
        let commit = machine.commit_us.median;
        writeln!(f, "\n{} cores, one durable write {commit:.0} us, load by {}", machine.cores, machine.wrk)?;
        writeln!(f, "{} rounds of {} s, {} keys; medians (min to max)", run.rounds, run.seconds, run.keys)?;
        let mut before = None;
        for row in rows {
            if before != Some(row.point) {
                heading(f, row)?;
                before = Some(row.point);
            }
            line(f, row)?;
        }
        half_rates(f, rows)?;
        ratios(f, rows)?;
        writeln!(f)?;
        for Whole { subject, accounts, resident_kib } in subjects {
            write!(f, "{subject:<20}")?;
            if let Some(kib) = resident_kib {
                write!(f, " {} MiB resident", kib / 1024)?;
            }
            if let Some(Accounts { spent, answered }) = accounts {
                write!(f, ", answered {answered}, paid for {spent}")?;
            }
            writeln!(f)?;
        }
        let (first, again) = (cell(startup.first_ms, 1.0, 1), cell(startup.again_ms, 1.0, 1));
        writeln!(f, "\nkeymint on SQLite, start to first answer, ms: {first}; on a database that is there: {again}")
    }
}

/// Prints the latencies at half of the rates above.
fn half_rates(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let halves: Vec<_> = rows.iter().filter_map(|row| row.at_half.as_ref().map(|half| (row, half))).collect();
    if halves.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nat half of the median rate:\n")?;
    cells(f, ["", "verifications a second", "asked", "p50, ms", "p99, ms"])?;
    cells(f, ["---"; 5])?;
    for (row, half) in halves {
        let (subject, point) = (row.subject.to_string(), row.point.to_string());
        let [rate, p50, p99] = [cell(half.per_second, 1.0, 0), cell(half.p50_us, 1e-3, 2), cell(half.p99_us, 1e-3, 2)];
        cells(f, [&subject, &rate, &point, &p50, &p99])?;
    }
    Ok(())
}

/// Prints the ratios of other picks and endpoints to the first ones.
fn ratios(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let asked = |row: &Row| (row.point.pick, row.point.endpoint);
    let first = rows.first().map(asked);
    let others: Vec<_> = rows.iter().filter(|row| Some(asked(row)) != first).collect();
    if !others.is_empty() {
        writeln!(f, "\nratio to the first keys and endpoint:")?;
    }
    for row in others {
        let ratio = cell(row.to_first, 1.0, 2);
        writeln!(f, "{:<20} {:<46} {ratio}", row.subject, row.point)?;
    }
    Ok(())
}

fn heading(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    writeln!(f, "\n{}:\n", row.point)?;
    cells(f, ["", "verifications a second", "ratio to bare", "p50, ms", "p99, ms", "in a batch", "wait for it, ms"])?;
    cells(f, ["---"; 7])
}

fn line(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let [rate, ratio] = [cell(row.per_second, 1.0, 0), cell(row.ratio, 1.0, 2)];
    let [p50, p99] = [cell(row.p50_us, 1e-3, 2), cell(row.p99_us, 1e-3, 2)];
    let [size, wait] = match &row.batches {
        Some(batches) => [cell(batches.size, 1.0, 1), cell(batches.wait_us, 1e-3, 2)],
        None => [String::new(), String::new()],
    };
    cells(f, [&row.subject.to_string(), &rate, &ratio, &p50, &p99, &size, &wait])
}

/// Prints a row of a table.
pub(crate) fn cells<const N: usize>(f: &mut fmt::Formatter<'_>, cells: [&str; N]) -> fmt::Result {
    writeln!(f, "| {} |", cells.map(|cell| format!("{cell:<22}")).join(" | "))
}

/// Formats a median and its extremes in another unit.
pub(crate) fn cell(spread: Spread, unit: f64, digits: usize) -> String {
    let Spread { median, min, max } = spread;
    let [median, min, max] = [median, min, max].map(|value| value * unit);
    format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_median_and_the_extremes() {
        let spread = Spread { median: 1500.0, min: 1000.0, max: 2000.0 };
        assert_eq!(cell(spread, 1e-3, 2), "1.50 (1.00 to 2.00)");
    }
}
