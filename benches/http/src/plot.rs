//! Draws the figures of several runs: over connections, and over the number of keys.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use crate::Failure;
use crate::arguments::Plot;
use crate::svg::{self, Axes, Lines, Scale};

#[derive(Debug, Deserialize)]
struct Run {
    options: Options,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Options {
    keys: u32,
}

#[derive(Debug, Deserialize)]
struct Row {
    subject: String,
    connections: u32,
    pick: String,
    /// `None` = the file is from before there was a choice.
    endpoint: Option<String>,
    per_second: Median,
    p99_us: Median,
    batches: Option<Batches>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Batches {
    size: Median,
    wait_us: Median,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Median {
    median: f64,
}

/// A row, and the number of keys that it was measured with.
type Measured = (u32, Row);

/// A plot's file, its title, its scale, and its value in a row.
type Figure = (&'static str, &'static str, Scale, fn(&Row) -> Option<f64>);

const OVER_CONNECTIONS: [Figure; 4] = [
    ("connections", "verifications a second", Scale::Linear, |row| Some(row.per_second.median)),
    ("latencies", "p99, ms", Scale::Logarithmic, |row| Some(row.p99_us.median * 1e-3)),
    ("batches", "verifications in a batch", Scale::Logarithmic, |row| Some(row.batches?.size.median)),
    ("waits", "wait for a batch, ms", Scale::Logarithmic, |row| Some(row.batches?.wait_us.median * 1e-3)),
];
const OVER_KEYS: [Figure; 1] = [("keys", "verifications a second", Scale::Linear, |row| Some(row.per_second.median))];

pub(crate) fn draw(plot: &Plot) -> Result<(), Failure> {
    let mut measured: Vec<Measured> = Vec::new();
    for file in &plot.figures {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let run = fs::read(file).map_err(|error| told(&error))?;
        let run: Run = serde_json::from_slice(&run).map_err(|error| told(&error))?;
        let is_drawn = |row: &Row| row.pick == "spread" && row.endpoint.as_ref().is_none_or(|asked| asked == "verify");
        measured.extend(run.rows.into_iter().filter(is_drawn).map(|row| (run.options.keys, row)));
    }
    fs::create_dir_all(&plot.into)?;
    let names = measured.iter().map(|(_, row)| row.subject.clone()).collect();
    // The plot over one number uses the figures that have most in common in the other one.
    let keys = most_common(measured.iter().map(|(keys, row)| (*keys, row.connections)));
    let title = format!("{keys} keys");
    for (name, y, scale, value) in OVER_CONNECTIONS {
        let lines = lines(&measured, |beside, row| (beside == keys).then_some(row.connections), value);
        let axes = Axes { title: title.clone(), x: "connections", y, scale, names: &names };
        write(plot, name, &axes, &lines)?;
    }
    let connections = most_common(measured.iter().map(|(keys, row)| (row.connections, *keys)));
    let title = format!("{connections} connections");
    for (name, y, scale, value) in OVER_KEYS {
        let lines = lines(&measured, |keys, row| (row.connections == connections).then_some(keys), value);
        let axes = Axes { title: title.clone(), x: "keys in the database", y, scale, names: &names };
        write(plot, name, &axes, &lines)?;
    }
    Ok(())
}

/// Writes a plot, if there is anything to draw.
fn write(plot: &Plot, name: &str, axes: &Axes<'_>, lines: &Lines) -> Result<(), Failure> {
    if !lines.is_empty() {
        fs::write(plot.into.join(name).with_extension("svg"), svg::draw(axes, lines))?;
    }
    Ok(())
}

/// Returns the number that is paired with the most different other numbers.
fn most_common(pairs: impl Iterator<Item = (u32, u32)>) -> u32 {
    let mut beside: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (number, other) in pairs {
        let others = beside.entry(number).or_default();
        if !others.contains(&other) {
            others.push(other);
        }
    }
    beside.into_iter().max_by_key(|(_, others)| others.len()).map_or(0, |(number, _)| number)
}

/// Returns a line for each subject, of the values `y` at the places `x`. Of several at one place the last counts.
fn lines(measured: &[Measured], x: impl Fn(u32, &Row) -> Option<u32>, y: fn(&Row) -> Option<f64>) -> Lines {
    let mut lines = Lines::new();
    for (keys, row) in measured {
        if let (Some(x), Some(y)) = (x(*keys, row), y(row)) {
            lines.entry(row.subject.clone()).or_default().insert(x, y);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_of_what_has_most_in_common() {
        assert_eq!(most_common([(32, 1000), (32, 10_000), (256, 1000), (256, 1000), (256, 1000)].into_iter()), 32);
    }

    #[test]
    fn a_line_has_the_points_of_one_subject_in_their_order() {
        let at = |subject: &str, connections, rate| {
            let (per_second, p99_us) = (Median { median: rate }, Median { median: 1.0 });
            let (subject, pick) = (subject.to_owned(), "spread".to_owned());
            (1000, Row { subject, connections, pick, endpoint: None, per_second, p99_us, batches: None })
        };
        let measured = [at("a", 32, 2.0), at("b", 1, 9.0), at("a", 1, 1.0)];
        let rates = lines(&measured, |_, row| Some(row.connections), |row| Some(row.per_second.median));
        assert_eq!(rates["a"].iter().collect::<Vec<_>>(), [(&1, &1.0), (&32, &2.0)]);
        let sizes = lines(&measured, |_, row| Some(row.connections), |row| Some(row.batches?.size.median));
        assert!(sizes.is_empty());
    }
}
