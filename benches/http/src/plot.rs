//! Draws the figures of several runs: over connections, over the number of keys and of processes, and over the minutes of
//! a long run.

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
    #[serde(default)]
    soaks: Vec<Soak>,
}

#[derive(Debug, Deserialize)]
struct Options {
    keys: u32,
}

#[derive(Debug, Deserialize)]
struct Row {
    subject: String,
    #[serde(default = "one")]
    processes: u32,
    connections: u32,
    pick: String,
    #[serde(default)]
    route: Route,
    endpoint: String,
    per_second: Median,
    p99_us: Median,
    batch_size: Option<Median>,
    batch_wait_us: Option<Median>,
}

impl Row {
    /// Returns the name of its line.
    fn name(&self) -> String {
        let pick = if self.pick == "spread" { String::new() } else { format!(", {} keys", self.pick) };
        let route = if self.route == Route::Home { ", each at its home" } else { "" };
        format!("{}{pick}{route}", self.subject)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Route {
    #[default]
    Any,
    Home,
}

#[derive(Debug, Deserialize)]
struct Soak {
    subject: String,
    minutes: Vec<BTreeMap<String, Median>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Median {
    median: f64,
}

fn one() -> u32 {
    1
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
const OVER_PROCESSES: [Figure; 2] = [
    ("processes", "verifications a second", false, |row| Some(row.per_second.median)),
    ("processes-latencies", "p99, ms", true, |row| Some(row.p99_us.median * 1e-3)),
];
/// A figure of a minute, the end of its line's name, and the factor to its unit.
type OfMinute = (&'static str, &'static str, f64);
/// A plot's file, its title, and its figures.
const OVER_MINUTES: [(&str, &str, &[OfMinute]); 3] = [
    ("soak-latencies", "p99, ms", &[("p99_us", "", 1e-3)]),
    ("soak-memory", "resident, MiB", &[("resident_kib", "", 1.0 / 1024.0)]),
    (
        "soak-files",
        "MiB",
        &[("database_bytes", "", 1.0 / 1_048_576.0), ("log_bytes", ", write-ahead log", 1.0 / 1_048_576.0)],
    ),
];

/// The title of a plot, and the name of its horizontal axis.
struct Axes<'a> {
    title: &'a str,
    across: &'a str,
}

pub(crate) fn draw(plot: &Plot) -> Result<(), Failure> {
    let (mut single, mut several, mut soaks) = (Vec::new(), Vec::new(), Vec::new());
    for file in &plot.figures {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let run = fs::read(file).map_err(|error| told(&error))?;
        let run: Run = serde_json::from_slice(&run).map_err(|error| told(&error))?;
        let is_of_several = run.rows.iter().any(|row| row.processes > 1);
        let drawn = run.rows.into_iter().filter(|row| row.endpoint == "verify");
        let drawn = drawn.map(|row| (run.options.keys, row));
        if is_of_several {
            several.extend(drawn.filter(|(_, row)| row.subject != "bare"));
        } else {
            single.extend(drawn.filter(|(_, row)| ["spread", "zipf"].contains(&row.pick.as_str())));
        }
        soaks.extend(run.soaks);
    }
    fs::create_dir_all(&plot.into)?;
    // The plot over one number uses the figures that have most in common in the other one.
    let keys = most_common(single.iter().map(|(keys, row)| (*keys, row.connections)));
    let axes = Axes { title: &format!("{keys} keys"), across: "connections" };
    let place = |(of, row): &Measured| (*of == keys && row.pick == "spread").then_some(row.connections);
    draw_over(&plot.into, &OVER_CONNECTIONS, &single, &axes, &place)?;
    let common = most_common(single.iter().map(|(keys, row)| (row.connections, *keys)));
    let axes = Axes { title: &format!("{common} connections"), across: "keys in the database" };
    draw_over(&plot.into, &OVER_KEYS, &single, &axes, &|(of, row)| (row.connections == common).then_some(*of))?;
    let common = most_common(several.iter().map(|(_, row)| (row.connections, row.processes)));
    let axes = Axes { title: &format!("{common} connections"), across: "processes on one database" };
    let place = |(_, row): &Measured| (row.connections == common).then_some(row.processes);
    draw_over(&plot.into, &OVER_PROCESSES, &several, &axes, &place)?;
    draw_minutes(&plot.into, &soaks)
}

/// Draws figures over a logarithmic axis with a mark at each place.
fn draw_over(
    into: &Path,
    figures: &[Figure],
    measured: &[Measured],
    axes: &Axes<'_>,
    place: &dyn Fn(&Measured) -> Option<u32>,
) -> Result<(), Failure> {
    for (name, y, is_log, value) in figures {
        let lines = lines(measured, place, *value);
        let places: BTreeSet<u32> = lines.values().flat_map(BTreeMap::keys).copied().collect();
        let (Some(first), Some(last)) = (places.first().copied().map(f64::from), places.last().copied().map(f64::from))
        else {
            continue;
        };
        let marks = places.iter().map(|place| f64::from(*place)).collect();
        let across = (first..last.max(first * 2.0)).log_scale().base(2.0).with_key_points(marks);
        let file = into.join(name).with_extension("svg");
        let (bottom, top) = extremes(&lines);
        if *is_log {
            chart(&file, &lines, y, axes, across, (bottom..top * 1.2).log_scale())?;
        } else {
            chart(&file, &lines, y, axes, across, 0.0..top * 1.1)?;
        }
    }
    Ok(())
}

/// Draws what was found minute by minute.
fn draw_minutes(into: &Path, soaks: &[Soak]) -> Result<(), Failure> {
    for (name, y, figures) in OVER_MINUTES {
        let mut lines = Lines::new();
        for (soak, (figure, label, factor)) in soaks.iter().flat_map(|soak| figures.iter().map(move |of| (soak, of))) {
            let values = soak.minutes.iter().map(|minute| minute.get(*figure).map(|value| value.median * factor));
            let line: BTreeMap<u32, f64> = (1..).zip(values).filter_map(|(at, value)| Some((at, value?))).collect();
            if !line.is_empty() {
                lines.insert(format!("{}{label}", soak.subject), line);
            }
        }
        let Some(last) = lines.values().flat_map(BTreeMap::keys).copied().max() else { continue };
        let axes = Axes { title: "at half of the highest rate", across: "minutes" };
        let file = into.join(name).with_extension("svg");
        chart(&file, &lines, y, &axes, 0.0..f64::from(last), 0.0..extremes(&lines).1 * 1.2)?;
    }
    Ok(())
}

/// Returns the least value, and the largest one.
fn extremes(lines: &Lines) -> (f64, f64) {
    let values = lines.values().flat_map(BTreeMap::values);
    values.fold((f64::INFINITY, 1.0), |(least, most), value| (value.min(least), value.max(most)))
}

/// Draws lines, which have a colour each in the order of their names.
fn chart<X, Y>(file: &Path, lines: &Lines, y: &str, axes: &Axes<'_>, across: X, up: Y) -> Result<(), Failure>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let area = SVGBackend::new(file, (760, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut builder = ChartBuilder::on(&area);
    builder.caption(format!("{y}, {}", axes.title), ("sans-serif", 15)).margin(12);
    builder.x_label_area_size(40).y_label_area_size(70);
    let mut chart = builder.build_cartesian_2d(across, up)?;
    let number = |value: &f64| short(*value);
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh().x_desc(axes.across).x_label_formatter(&number).y_label_formatter(&number).draw()?;
    for (place, (name, line)) in lines.iter().enumerate() {
        let colour = Palette99::pick(place).to_rgba();
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

/// Returns a line for each subject, pick and route, of the values at the places `x`. Of several at one place the last
/// counts.
fn lines(measured: &[Measured], x: &dyn Fn(&Measured) -> Option<u32>, y: fn(&Row) -> Option<f64>) -> Lines {
    let mut lines = Lines::new();
    for measured in measured {
        if let (Some(x), Some(y)) = (x(measured), y(&measured.1)) {
            lines.entry(measured.1.name()).or_default().insert(x, y);
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
    use serde_json::{Value, json};

    use super::*;

    /// Draws a run with these rows and soaks. Returns what a plot says, line by line.
    fn drawn(rows: &[Value], soaks: &[Value]) -> impl Fn(&str) -> Vec<String> + use<> {
        let folder = tempfile::tempdir().unwrap();
        let figures = folder.path().join("figures.json");
        let run = json!({ "options": { "keys": 1000 }, "rows": rows, "soaks": soaks });
        fs::write(&figures, run.to_string()).unwrap();
        draw(&Plot { figures: vec![figures], into: folder.path().to_owned() }).unwrap();
        move |name| {
            let svg = fs::read_to_string(folder.path().join(name).with_extension("svg")).unwrap_or_default();
            svg.lines().map(|line| line.trim().to_owned()).collect()
        }
    }

    fn of(median: f64) -> Value {
        json!({ "median": median, "min": median, "max": median })
    }

    fn row(subject: &str, connections: u32, rate: f64) -> Value {
        json!({
            "subject": subject, "connections": connections, "pick": "spread", "endpoint": "verify",
            "per_second": of(rate), "p99_us": of(700.0), "batch_size": of(3.0), "batch_wait_us": of(20.0),
        })
    }

    #[test]
    fn every_figure_is_drawn_of_the_runs_that_have_most_in_common() {
        assert_eq!(most_common([(32, 1000), (32, 10_000), (256, 1000), (256, 1000), (256, 1000)].into_iter()), 32);
        let rows = [row("bare", 1, 900.0), row("sqlite", 1, 100.0), row("bare", 32, 90e3), row("sqlite", 32, 40e3)];
        let said = drawn(&rows, &[]);
        for (name, ..) in OVER_CONNECTIONS.iter().chain(&OVER_KEYS) {
            for text in ["bare", "sqlite"] {
                assert!(said(name).iter().any(|line| line == text), "{name}");
            }
        }
        assert!(said("processes").is_empty() && said("soak-memory").is_empty(), "nothing to draw");
    }

    #[test]
    fn processes_have_plots_of_their_own_with_a_line_for_each_pick_and_route() {
        let with = |mut row: Value, more: Value| {
            row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            row
        };
        let rows = [
            row("bare", 32, 90e3),
            with(row("postgres", 32, 20e3), json!({ "processes": 1, "route": "any" })),
            with(row("postgres", 32, 10e3), json!({ "processes": 2, "route": "any" })),
            with(row("postgres", 32, 20e3), json!({ "processes": 2, "route": "home" })),
            with(row("postgres", 32, 20e3), json!({ "processes": 2, "pick": "hot" })),
        ];
        let said = drawn(&rows, &[]);
        for (name, ..) in OVER_PROCESSES {
            for text in ["postgres", "postgres, each at its home", "postgres, hot keys"] {
                assert!(said(name).iter().any(|line| line == text), "{name}: {text}");
            }
            assert!(!said(name).iter().any(|line| line == "bare"), "it has one process");
        }
        assert!(said("connections").is_empty());
    }

    #[test]
    fn a_soak_is_drawn_minute_by_minute() {
        let minute = |p99: f64| json!({ "p99_us": of(p99), "resident_kib": of(2048.0), "log_bytes": of(1e6) });
        let said = drawn(&[], &[json!({ "subject": "sqlite", "minutes": [minute(900.0), minute(1100.0)] })]);
        for (name, text) in
            [("soak-latencies", "sqlite"), ("soak-memory", "sqlite"), ("soak-files", "sqlite, write-ahead log")]
        {
            assert!(said(name).iter().any(|line| line == text), "{name}");
        }
    }

    #[test]
    fn a_number_is_short() {
        assert_eq!([0.0, 0.1, 512.0, 2500.0, 10_000_000.0].map(short), ["0", "0.1", "512", "2.5k", "10M"]);
    }
}
