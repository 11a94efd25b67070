//! A long time at half of the highest rate: what grows, and what gets slower.

use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::sleep;

use crate::Failure;
use crate::figures::{Column, Figures};
use crate::paced::Pace;
use crate::rounds::Point;
use crate::subject::{Fleet, Subject};

const MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

/// The minutes of a fleet.
#[derive(Debug, Serialize)]
pub(crate) struct Soak {
    #[serde(flatten)]
    pub(crate) fleet: Fleet,
    #[serde(flatten)]
    pub(crate) point: Point,
    pub(crate) minutes: Vec<Figures>,
}

pub(crate) const COLUMNS: [Column; 8] = [
    ("verifications a second", "per_second", 1.0, 0),
    ("p50, ms", "p50_us", 1e3, 2),
    ("p99, ms", "p99_us", 1e3, 2),
    ("longest, ms", "longest_us", 1e3, 1),
    ("resident, MiB", "resident_kib", 1024.0, 1),
    ("database, MiB", "database_bytes", 1_048_576.0, 1),
    ("write-ahead log, MiB", "log_bytes", 1_048_576.0, 1),
    ("standard error, KiB", "said_bytes", 1024.0, 1),
];

/// Drives a subject at `rate` for that many minutes. Returns the figures of each, and the number of answers.
pub(crate) async fn run(
    subject: &Subject,
    point: Point,
    rate: f64,
    minutes: NonZeroU32,
) -> Result<(Vec<Figures>, u64), Failure> {
    let Point { connections, pick, route, endpoint } = point;
    let draw = subject.draw(pick);
    let targets = subject.targets(endpoint, route, draw.texts().count());
    let seconds = minutes.saturating_mul(MINUTE);
    let pace = Pace { draw, endpoint, connections, rate, seconds, each: MINUTE, seed: 0 };
    let (driven, sizes) = tokio::join!(pace.run(&targets), sizes(subject, minutes));
    let ((latencies, _), sizes) = (driven?, sizes?);
    let answered = latencies.iter().map(Histogram::len).sum();
    let minutes = latencies.iter().zip(sizes).map(|(latencies, figures)| with_latencies(figures, latencies)).collect();
    Ok((minutes, answered))
}

/// Returns what the subject takes at the end of each minute.
#[expect(clippy::cast_precision_loss, reason = "sizes of a benchmark's files are far below 2^53")]
async fn sizes(subject: &Subject, minutes: NonZeroU32) -> Result<Vec<Figures>, Failure> {
    let mut sizes = Vec::new();
    for minute in 1..=minutes.get() {
        // The last look is before the end, while the servers are at work.
        let early = u64::from(minute == minutes.get());
        sleep(Duration::from_secs(u64::from(MINUTE.get()) - early)).await;
        let mut figures = Figures::default();
        if let Some(kib) = subject.resident_kib() {
            figures.add("resident_kib", kib as f64);
        }
        if let Some(database) = &subject.database {
            let (database, log) = database.stock.sizes().await?;
            figures.add("database_bytes", database as f64);
            figures.add("log_bytes", log as f64);
        }
        figures.add("said_bytes", fs::metadata(subject.log())?.len() as f64);
        eprintln!("{}: minute {minute} of {minutes}", subject.fleet);
        sizes.push(figures);
    }
    Ok(sizes)
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of a minute are far below 2^53")]
fn with_latencies(mut figures: Figures, latencies: &Histogram<u64>) -> Figures {
    figures.add("per_second", latencies.len() as f64 / f64::from(MINUTE.get()));
    figures.add("p50_us", latencies.value_at_quantile(0.5) as f64);
    figures.add("p99_us", latencies.value_at_quantile(0.99) as f64);
    figures.add("longest_us", latencies.max() as f64);
    figures
}
