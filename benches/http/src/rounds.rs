use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use crate::Failure;
use crate::arguments::Run;
use crate::batches::Batches;
use crate::books::Books;
use crate::figures::Figures;
use crate::keys::{Endpoint, Pick, Route};
use crate::load::{Load, Round};
use crate::paced::Pace;
use crate::report::{Found, Row, Whole};
use crate::soak::{self, Soak};
use crate::subject::{Fleet, Kind, Lab, Subject};

/// The requests to every subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    pub(crate) connections: NonZeroU32,
    pub(crate) pick: Pick,
    pub(crate) route: Route,
    pub(crate) endpoint: Endpoint,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, pick, route, endpoint } = self;
        let at_home = if *route == Route::Home { ", each at its home" } else { "" };
        f.pad(&format!("{connections} connections, {pick} keys{at_home}, {endpoint}"))
    }
}

/// Starts the bare endpoint and the other subjects, and drives them in turn, point by point, round after round, so that
/// a temporary disturbance of the machine affects all of them.
///
/// Returns their figures, the bare endpoint's first at every point.
pub(crate) async fn measure(lab: &Lab, run: &Run) -> Result<Found, Failure> {
    let mut measured = Vec::new();
    let kinds = std::iter::once(Kind::Bare).chain(run.subjects.iter().copied().filter(|kind| *kind != Kind::Bare));
    for fleet in kinds.flat_map(|kind| Fleet::of(kind, &run.processes)) {
        eprintln!("starting {fleet}");
        measured.push(Measured::start(fleet, lab, run).await?);
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
                    let (point, fleet) = (subject.points[place].0, subject.subject.fleet);
                    eprintln!("round {number}: {point:<46} {fleet:<22} {rate:>9.0} a second");
                }
            }
        }
    }
    let mut found = Found::default();
    if let Some(minutes) = run.soak {
        for subject in measured.iter_mut().filter(|measured| measured.subject.kind().is_keymint()) {
            for place in 0..points {
                found.soaks.push(subject.soak(place, minutes).await?);
            }
        }
    }
    for place in 0..points {
        for subject in &measured {
            let (point, mut figures) = subject.points[place].clone();
            figures.add_ratio("ratio", "per_second", &measured[0].points[place].1, "per_second");
            // The same connections with the first pick and endpoint.
            let first = subject.points.iter().find(|(other, _)| other.connections == point.connections);
            if let Some((_, first)) = first {
                figures.add_ratio("to_first", "per_second", first, "per_second");
            }
            found.rows.push(Row { fleet: subject.subject.fleet, point, figures });
        }
    }
    for Measured { mut subject, books, .. } in measured {
        let resident_kib = subject.resident_kib();
        let (fleet, books) = (subject.fleet, books.close(&mut subject).await?);
        found.subjects.push(Whole { fleet, books, resident_kib });
    }
    Ok(found)
}

/// A subject under measurement.
struct Measured {
    subject: Subject,
    points: Vec<(Point, Figures)>,
    loads: Vec<Load>,
    books: Books,
}

impl Measured {
    async fn start(fleet: Fleet, lab: &Lab, run: &Run) -> Result<Self, Failure> {
        let subject = lab.start(fleet, run).await?;
        let (mut points, mut loads) = (Vec::new(), Vec::new());
        for connections in run.connections.iter().copied() {
            for pick in run.pick.iter().copied() {
                for route in run.route.iter().copied() {
                    for endpoint in run.endpoint.iter().copied() {
                        let draw = subject.draw(pick);
                        loads.push(Load::of(draw, &subject.folder, endpoint, connections, run.threads)?);
                        points.push((Point { connections, pick, route, endpoint }, Figures::default()));
                    }
                }
            }
        }
        Ok(Self { subject, points, loads, books: Books::default() })
    }

    async fn round(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<Round, Failure> {
        let Point { connections, pick, route, endpoint } = self.points[place].0;
        let targets = self.subject.targets(endpoint, route, self.subject.draw(pick).texts().count());
        let round = self.loads[place].run(&targets, seconds, number).await?;
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
        if self.subject.kind().is_keymint() { Batches::of(&self.subject.apis).await } else { Ok(None) }
    }

    /// Drives a round at half of the rate of the rounds before. Returns its rate.
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one round are far below 2^53")]
    async fn half(&mut self, place: usize, seconds: NonZeroU32, seed: u32) -> Result<f64, Failure> {
        let (Point { connections, pick, route, endpoint }, figures) = &mut self.points[place];
        let (draw, rate) = (self.subject.draw(*pick), figures.median("per_second") / 2.0);
        let targets = self.subject.targets(*endpoint, *route, draw.texts().count());
        let load = Pace { draw, endpoint: *endpoint, connections: *connections, rate, seconds, each: seconds, seed };
        let (latencies, took) = load.run(&targets).await?;
        let [latencies] = &latencies[..] else { return Err("a round has one interval".into()) };
        let rate = latencies.len() as f64 / took.as_secs_f64();
        figures.add("half_per_second", rate);
        for (name, share) in [("half_p50_us", 0.5), ("half_p99_us", 0.99), ("half_p999_us", 0.999)] {
            figures.add(name, latencies.value_at_quantile(share) as f64);
        }
        self.books.enter(&self.subject, *pick, latencies.len(), 0).await?;
        Ok(rate)
    }

    /// Drives it at half of its median rate for that many minutes.
    async fn soak(&mut self, place: usize, minutes: NonZeroU32) -> Result<Soak, Failure> {
        let (point, figures) = &self.points[place];
        let (minutes, answered) = soak::run(&self.subject, *point, figures.median("per_second") / 2.0, minutes).await?;
        self.books.enter(&self.subject, point.pick, answered, 0).await?;
        Ok(Soak { fleet: self.subject.fleet, point: *point, minutes })
    }
}
