use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use crate::Failure;
use crate::arguments::Run;
use crate::batches::Batches;
use crate::books::Books;
use crate::figures::Figures;
use crate::keys::{Endpoint, Pick};
use crate::load::{Load, Round};
use crate::paced::Pace;
use crate::report::{Row, Whole};
use crate::subject::{Kind, Lab, Subject};

/// The requests to every subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    pub(crate) connections: NonZeroU32,
    pub(crate) pick: Pick,
    pub(crate) endpoint: Endpoint,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, pick, endpoint } = self;
        f.pad(&format!("{connections} connections, {pick} keys, {endpoint}"))
    }
}

/// Starts the bare endpoint and the other subjects, and drives them in turn, point by point, round after round, so that
/// a temporary disturbance of the machine affects all of them.
///
/// Returns their figures, the bare endpoint's first at every point, and the results of each subject over all points.
pub(crate) async fn measure(lab: &Lab, run: &Run) -> Result<(Vec<Row>, Vec<Whole>), Failure> {
    let mut measured = Vec::new();
    for kind in std::iter::once(Kind::Bare).chain(run.subjects.iter().copied().filter(|kind| *kind != Kind::Bare)) {
        eprintln!("starting {kind}");
        measured.push(Measured::start(kind, lab, run).await?);
    }
    let (seconds, points) = (run.common.seconds, measured[0].points.len());
    eprintln!("warming up");
    for subject in &mut measured {
        for place in 0..points {
            subject.round(place, run.common.warm_up, 0).await?;
        }
    }
    for is_half in if run.half { &[false, true][..] } else { &[false] } {
        for number in 1..=run.common.rounds.get() {
            for place in 0..points {
                for subject in &mut measured {
                    let rate = if *is_half {
                        subject.half(place, seconds, number).await?
                    } else {
                        subject.counted(place, seconds, number).await?
                    };
                    let (point, kind) = (subject.points[place].0, subject.subject.kind);
                    eprintln!("round {number}: {point:<46} {kind:<20} {rate:>9.0} a second");
                }
            }
        }
    }
    let (mut rows, mut wholes) = (Vec::new(), Vec::new());
    for place in 0..points {
        for subject in &measured {
            let (point, mut figures) = subject.points[place].clone();
            figures.add_ratio("ratio", "per_second", &measured[0].points[place].1, "per_second");
            // The same connections with the first pick and endpoint.
            let first = subject.points.iter().find(|(other, _)| other.connections == point.connections);
            if let Some((_, first)) = first {
                figures.add_ratio("to_first", "per_second", first, "per_second");
            }
            rows.push(Row { subject: subject.subject.kind, point, figures });
        }
    }
    for Measured { mut subject, books, .. } in measured {
        let resident_kib = subject.resident_kib();
        wholes.push(Whole { subject: subject.kind, resident_kib, books: books.close(&mut subject).await? });
    }
    Ok((rows, wholes))
}

/// A subject under measurement.
struct Measured {
    subject: Subject,
    points: Vec<(Point, Figures)>,
    loads: Vec<Load>,
    books: Books,
}

impl Measured {
    async fn start(kind: Kind, lab: &Lab, run: &Run) -> Result<Self, Failure> {
        let subject = lab.start(kind, run).await?;
        let (mut points, mut loads) = (Vec::new(), Vec::new());
        for connections in run.connections.iter().copied() {
            for pick in run.pick.iter().copied() {
                let (texts, name) = (subject.texts(pick), pick.to_string());
                for endpoint in run.endpoint.iter().copied() {
                    loads.push(Load::of(&texts, &subject.folder, &name, endpoint, connections, run.threads)?);
                    points.push((Point { connections, pick, endpoint }, Figures::default()));
                }
            }
        }
        Ok(Self { subject, points, loads, books: Books::default() })
    }

    async fn round(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<Round, Failure> {
        let Point { connections, pick, endpoint } = self.points[place].0;
        let round = self.loads[place].run(&self.subject.urls(endpoint), seconds, number).await?;
        // Each process has at least one.
        let cut_off = u64::from(connections.get()).max(self.subject.apis.len() as u64);
        self.books.enter(&self.subject, pick, round.answered, cut_off).await?;
        Ok(round)
    }

    /// Drives a round that counts. Returns its rate.
    #[expect(clippy::cast_precision_loss, reason = "the answers of one round are far below 2^53")]
    async fn counted(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<f64, Failure> {
        let (before, cpu_before) = (self.batches().await?, self.subject.cpu_s());
        let round = self.round(place, seconds, number).await?;
        let (cpu_after, after) = (self.subject.cpu_s(), self.batches().await?);
        let figures = &mut self.points[place].1;
        round.enter(figures);
        if let (Some(before), Some(after)) = (cpu_before, cpu_after) {
            figures.add("cpu_us", (after - before) * 1e6 / round.answered as f64);
        }
        if let (Some(before), Some(after)) = (before, after) {
            after.enter(before, figures);
        }
        Ok(round.per_second())
    }

    async fn batches(&self) -> Result<Option<Batches>, Failure> {
        if self.subject.kind.is_keymint() { Batches::of(&self.subject.apis).await } else { Ok(None) }
    }

    /// Drives a round at half of the rate of the rounds before. Returns its rate.
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one round are far below 2^53")]
    async fn half(&mut self, place: usize, seconds: NonZeroU32, seed: u32) -> Result<f64, Failure> {
        let (Point { connections, pick, endpoint }, figures) = &mut self.points[place];
        let (texts, rate) = (self.subject.texts(*pick), figures.median("per_second") / 2.0);
        let load = Pace { texts, endpoint: *endpoint, connections: *connections, rate, seconds, seed };
        let (latencies, took) = load.run(&self.subject.urls(*endpoint)).await?;
        let rate = latencies.len() as f64 / took.as_secs_f64();
        figures.add("half_per_second", rate);
        for (name, share) in [("half_p50_us", 0.5), ("half_p99_us", 0.99), ("half_p999_us", 0.999)] {
            figures.add(name, latencies.value_at_quantile(share) as f64);
        }
        self.books.enter(&self.subject, *pick, latencies.len(), 0).await?;
        Ok(rate)
    }
}
