//! Draws the figures of several runs: throughput over connections, and over the number of keys.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use crate::Failure;
use crate::arguments::Plot;
use crate::svg::{self, Axes};

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
    per_second: Median,
}

#[derive(Debug, Deserialize)]
struct Median {
    median: f64,
}

/// What is measured, beside its number of connections and of keys.
type Measured = (String, u32, u32, f64);

pub(crate) fn draw(plot: &Plot) -> Result<(), Failure> {
    let mut measured = Vec::new();
    for file in &plot.figures {
        let run: Run = serde_json::from_slice(&fs::read(file)?)?;
        let spread = run.rows.into_iter().filter(|row| row.pick == "spread");
        measured.extend(spread.map(|row| (row.subject, row.connections, run.options.keys, row.per_second.median)));
    }
    fs::create_dir_all(&plot.into)?;
    // The plot over one number is of the figures that have most in common in the other one.
    let keys = most_common(measured.iter().map(|point| (point.2, point.1)));
    let over_connections = lines(&measured, |point| (point.2 == keys).then_some(point.1));
    let axes = Axes { title: format!("{keys} keys"), x: "connections", y: "verifications a second" };
    fs::write(plot.into.join("connections.svg"), svg::draw(&axes, &over_connections))?;

    let connections = most_common(measured.iter().map(|point| (point.1, point.2)));
    let over_keys = lines(&measured, |point| (point.1 == connections).then_some(point.2));
    let axes = Axes { title: format!("{connections} connections"), x: "keys in the database", y: axes.y };
    fs::write(plot.into.join("keys.svg"), svg::draw(&axes, &over_keys))?;
    Ok(())
}

/// The number that stands beside the most different other numbers.
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

/// A line for each subject, from what `x` takes of the points; of several at one place the last counts.
fn lines(measured: &[Measured], x: impl Fn(&Measured) -> Option<u32>) -> BTreeMap<String, BTreeMap<u32, f64>> {
    let mut lines: BTreeMap<String, BTreeMap<u32, f64>> = BTreeMap::new();
    for point in measured {
        if let Some(x) = x(point) {
            lines.entry(point.0.clone()).or_default().insert(x, point.3);
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
        let at = |subject: &str, connections, rate| (subject.to_owned(), connections, 1000, rate);
        let lines = lines(&[at("a", 32, 2.0), at("b", 1, 9.0), at("a", 1, 1.0)], |point| Some(point.1));
        assert_eq!(lines["a"].iter().collect::<Vec<_>>(), [(&1, &1.0), (&32, &2.0)]);
    }
}
