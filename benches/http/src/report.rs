use std::fmt;

use serde::Serialize;

use crate::arguments::Run;
use crate::books::Books;
use crate::figures::{Column, Figures, table};
use crate::machine::Machine;
use crate::rounds::Point;
use crate::soak::{self, Soak};
use crate::subject::Fleet;

/// The results of a run. `Display` is the tables for people.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) options: Run,
    /// The start of Keymint on SQLite.
    pub(crate) startup: Figures,
    #[serde(flatten)]
    pub(crate) found: Found,
}

/// The figures of all subjects.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Found {
    /// By point, then by subject.
    pub(crate) rows: Vec<Row>,
    pub(crate) soaks: Vec<Soak>,
    pub(crate) subjects: Vec<Whole>,
}

/// The figures of one subject at one point.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    #[serde(flatten)]
    pub(crate) fleet: Fleet,
    #[serde(flatten)]
    pub(crate) point: Point,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// The results of a subject over all points.
#[derive(Debug, Serialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) fleet: Fleet,
    pub(crate) books: Option<Books>,
    /// The KiB of memory that the servers held at the end.
    pub(crate) resident_kib: Option<u64>,
}

const AT_A_POINT: [Column; 7] = [
    ("verifications a second", "per_second", 1.0, 0),
    ("ratio to bare", "ratio", 1.0, 2),
    ("p50, ms", "p50_us", 1e3, 2),
    ("p99, ms", "p99_us", 1e3, 2),
    ("CPU each, us", "cpu_us", 1.0, 1),
    ("in a batch", "batch_size", 1.0, 1),
    ("wait for it, ms", "batch_wait_us", 1e3, 2),
];
const AT_HALF: [Column; 3] = [
    ("verifications a second", "half_per_second", 1.0, 0),
    ("p50, ms", "half_p50_us", 1e3, 2),
    ("p99, ms", "half_p99_us", 1e3, 2),
];
const TO_FIRST: [Column; 1] = [("ratio to the first keys and endpoint", "to_first", 1.0, 2)];
const STARTUP: [Column; 2] =
    [("start to first answer, ms", "first_ms", 1.0, 1), ("on a database that is there", "again_ms", 1.0, 1)];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, options: Run { common, .. }, startup, found: Found { rows, soaks, subjects } } = self;
        writeln!(f, "\n{machine}")?;
        writeln!(f, "{} rounds of {} s, {} keys; medians (min to max)", common.rounds, common.seconds, common.keys)?;
        for at in rows.chunk_by(|row, other| row.point == other.point) {
            let subjects = at.iter().map(|row| (row.fleet.to_string(), &row.figures));
            writeln!(f, "\n{}:\n\n{}", at[0].point, table(&AT_A_POINT, subjects))?;
        }
        if rows.iter().any(|row| row.figures.spread("half_per_second").is_some()) {
            writeln!(f, "\nat half of the median rate:\n\n{}", table(&AT_HALF, rows.iter().map(named)))?;
        }
        let asked = |row: &Row| (row.point.pick, row.point.route, row.point.endpoint);
        let mut others = rows.iter().filter(|row| asked(row) != asked(&rows[0])).peekable();
        if others.peek().is_some() {
            writeln!(f, "\n{}", table(&TO_FIRST, others.map(named)))?;
        }
        for Soak { fleet, point, minutes } in soaks {
            let minutes = (1..).zip(minutes).map(|(minute, figures): (u32, _)| (minute.to_string(), figures));
            writeln!(f, "\n{fleet}, {point}, minute by minute at half rate:\n\n{}", table(&soak::COLUMNS, minutes))?;
        }
        writeln!(f)?;
        for Whole { fleet, books, resident_kib } in subjects {
            write!(f, "{fleet:<22}")?;
            if let Some(kib) = resident_kib {
                write!(f, " {} MiB resident", kib / 1024)?;
            }
            if let Some(Books { spent, answered, .. }) = books {
                write!(f, ", answered {answered}, paid for {spent}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "\n{}", table(&STARTUP, [("sqlite".to_owned(), startup)]))
    }
}

fn named(row: &Row) -> (String, &Figures) {
    (format!("{}, {}", row.fleet, row.point), &row.figures)
}
