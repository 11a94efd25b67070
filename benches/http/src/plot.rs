//! Draws the figures of several runs: over connections, and over the number of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use serde::Deserialize;

use crate::Failure;
use crate::arguments::Plot;

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
    endpoint: String,
    per_second: Median,
    p99_us: Median,
    batch_size: Option<Median>,
    batch_wait_us: Option<Median>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Median {
    median: f64,
}

/// A row, and the number of keys that it was measured with.
type Measured = (u32, Row);

/// Lines by their names, each by its places.
type Lines = BTreeMap<String, BTreeMap<u32, f64>>;

/// A plot's file, its title, whether its scale is in powers of ten, and its value in a row.
type Figure = (&'static str, &'static str, bool, fn(&Row) -> Option<f64>);

const OVER_CONNECTIONS: [Figure; 4] = [
    ("connections", "verifications a second", false, |row| Some(row.per_second.median)),
    ("latencies", "p99, ms", true, |row| Some(row.p99_us.median * 1e-3)),
    ("batches", "verifications in a batch", true, |row| Some(row.batch_size?.median)),
    ("waits", "wait for a batch, ms", true, |row| Some(row.batch_wait_us?.median * 1e-3)),
];
const OVER_KEYS: [Figure; 1] = [("keys", "verifications a second", false, |row| Some(row.per_second.median))];

pub(crate) fn draw(plot: &Plot) -> Result<(), Failure> {
    let mut measured: Vec<Measured> = Vec::new();
    for file in &plot.figures {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let run = fs::read(file).map_err(|error| told(&error))?;
        let run: Run = serde_json::from_slice(&run).map_err(|error| told(&error))?;
        let drawn = run.rows.into_iter().filter(|row| row.pick == "spread" && row.endpoint == "verify");
        measured.extend(drawn.map(|row| (run.options.keys, row)));
    }
    fs::create_dir_all(&plot.into)?;
    let names: BTreeSet<_> = measured.iter().map(|(_, row)| row.subject.clone()).collect();
    let write = |(name, y, is_log, value): Figure, title: &str, x: &str, place: &dyn Fn(&Measured) -> Option<u32>| {
        let lines = lines(&measured, place, value);
        let (least, most) = lines
            .values()
            .flatten()
            .fold((f64::INFINITY, 1.0), |(least, most), (_, value)| (value.min(least), value.max(most)));
        let file = plot.into.join(name).with_extension("svg");
        match (lines.is_empty(), is_log) {
            (true, _) => Ok(()),
            (_, true) => chart(&file, &names, &lines, [title, x, y], (least..most * 1.2).log_scale()),
            (_, false) => chart(&file, &names, &lines, [title, x, y], 0.0..most * 1.1),
        }
    };
    // The plot over one number uses the figures that have most in common in the other one.
    let common_keys = most_common(measured.iter().map(|(keys, row)| (*keys, row.connections)));
    for figure in OVER_CONNECTIONS {
        let place = |(keys, row): &Measured| (*keys == common_keys).then_some(row.connections);
        write(figure, &format!("{common_keys} keys"), "connections", &place)?;
    }
    let common = most_common(measured.iter().map(|(keys, row)| (row.connections, *keys)));
    for figure in OVER_KEYS {
        let place = |(keys, row): &Measured| (row.connections == common).then_some(*keys);
        write(figure, &format!("{common} connections"), "keys in the database", &place)?;
    }
    Ok(())
}

/// Draws lines over a logarithmic axis. A name has the same colour in every plot.
fn chart<Y>(file: &Path, names: &BTreeSet<String>, lines: &Lines, texts: [&str; 3], up: Y) -> Result<(), Failure>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let [title, x, y] = texts;
    let places: BTreeSet<u32> = lines.values().flat_map(BTreeMap::keys).copied().collect();
    let ends = |end: Option<&u32>| f64::from(end.copied().unwrap_or(1));
    let (first, last) = (ends(places.first()), ends(places.last()));
    let area = SVGBackend::new(file, (760, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut builder = ChartBuilder::on(&area);
    builder.caption(format!("{y}, {title}"), ("sans-serif", 15)).margin(12);
    builder.x_label_area_size(40).y_label_area_size(70);
    let across = (first..last.max(first * 2.0))
        .log_scale()
        .base(2.0)
        .with_key_points(places.iter().map(|place| f64::from(*place)).collect());
    let mut chart = builder.build_cartesian_2d(across, up)?;
    let number = |value: &f64| short(*value);
    chart.configure_mesh().disable_x_mesh().x_desc(x).x_label_formatter(&number).y_label_formatter(&number).draw()?;
    for (name, line) in lines {
        let colour = Palette99::pick(names.iter().position(|other| other == name).unwrap_or_default()).to_rgba();
        let points: Vec<_> = line.iter().map(|(place, value)| (f64::from(*place), *value)).collect();
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        let drawn = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        drawn.label(name.clone()).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    area.present()?;
    Ok(())
}

/// Returns the number that is paired with the most different other numbers.
fn most_common(pairs: impl Iterator<Item = (u32, u32)>) -> u32 {
    let mut beside: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (number, other) in pairs {
        beside.entry(number).or_default().insert(other);
    }
    beside.into_iter().max_by_key(|(_, others)| others.len()).map_or(0, |(number, _)| number)
}

/// Returns a line for each subject, of the values at the places `x`. Of several at one place the last counts.
fn lines(measured: &[Measured], x: &dyn Fn(&Measured) -> Option<u32>, y: fn(&Row) -> Option<f64>) -> Lines {
    let mut lines = Lines::new();
    for measured in measured {
        if let (Some(x), Some(y)) = (x(measured), y(&measured.1)) {
            lines.entry(measured.1.subject.clone()).or_default().insert(x, y);
        }
    }
    lines
}

/// Formats a number for an axis: 2.5k, 10M.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        1e6.. => (value / 1e6, "M"),
        1e3.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    // Powers of ten below 1 are not exact.
    format!("{}{unit}", (value * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_drawn_of_the_runs_that_have_most_in_common() {
        assert_eq!(most_common([(32, 1000), (32, 10_000), (256, 1000), (256, 1000), (256, 1000)].into_iter()), 32);
        let folder = tempfile::tempdir().unwrap();
        let row = |subject: &str, connections: u32, rate: f64| {
            let of = |median: f64| serde_json::json!({ "median": median, "min": median, "max": median });
            serde_json::json!({
                "subject": subject, "connections": connections, "pick": "spread", "endpoint": "verify",
                "per_second": of(rate), "p99_us": of(700.0), "batch_size": of(3.0), "batch_wait_us": of(20.0),
            })
        };
        let figures = folder.path().join("figures.json");
        let rows = [row("bare", 1, 900.0), row("sqlite", 1, 100.0), row("bare", 32, 90e3), row("sqlite", 32, 40e3)];
        fs::write(&figures, serde_json::json!({ "options": { "keys": 1000 }, "rows": rows }).to_string()).unwrap();
        draw(&Plot { figures: vec![figures], into: folder.path().to_owned() }).unwrap();
        for (name, ..) in OVER_CONNECTIONS.iter().chain(&OVER_KEYS) {
            let svg = fs::read_to_string(folder.path().join(name).with_extension("svg")).unwrap();
            for text in ["bare", "sqlite"] {
                assert!(svg.lines().any(|line| line.trim() == text), "{name}: {svg}");
            }
        }
    }

    #[test]
    fn a_number_is_short() {
        assert_eq!([0.0, 0.1, 512.0, 2500.0, 10_000_000.0].map(short), ["0", "0.1", "512", "2.5k", "10M"]);
    }
}
