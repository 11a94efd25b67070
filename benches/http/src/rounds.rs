use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use crate::Failure;
use crate::arguments::Run;
use crate::batches::{Batch, Batches};
use crate::books::{Accounts, Books};
use crate::endpoint::Endpoint;
use crate::figures::Spread;
use crate::keys::Pick;
use crate::load::{Load, Round};
use crate::open_loop::{self, Paced};
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

/// The results of one subject in all rounds.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) kind: Kind,
    pub(crate) points: Vec<AtPoint>,
    /// `None` = a subject without a store.
    pub(crate) accounts: Option<Accounts>,
    /// The KiB of memory that the server held at the end.
    pub(crate) resident_kib: Option<u64>,
}

/// The results of one subject at one point.
#[derive(Debug)]
pub(crate) struct AtPoint {
    pub(crate) point: Point,
    pub(crate) rounds: Vec<Round>,
    /// Of the rounds in which the servers reported them.
    pub(crate) batches: Vec<Batch>,
    pub(crate) at_half: Vec<Paced>,
}

impl AtPoint {
    pub(crate) fn new(point: Point) -> Self {
        Self { point, rounds: Vec::new(), batches: Vec::new(), at_half: Vec::new() }
    }
}

/// Starts the bare endpoint and the other subjects, and drives them in turn, point by point, round after round, so that
/// a temporary disturbance of the machine affects all of them.
pub(crate) async fn measure(lab: &Lab, run: &Run) -> Result<Vec<Results>, Failure> {
    let mut measured = Vec::new();
    for kind in std::iter::once(Kind::Bare).chain(run.subjects.iter().copied().filter(|kind| *kind != Kind::Bare)) {
        eprintln!("starting {kind}");
        measured.push(Measured::start(kind, lab, run).await?);
    }
    eprintln!("warming up");
    for subject in &mut measured {
        for place in 0..subject.points.len() {
            subject.round(place, run.warm_up, 0).await?;
        }
    }
    let places = 0..measured[0].points.len();
    for number in 1..=run.rounds.get() {
        for place in places.clone() {
            for subject in &mut measured {
                subject.counted(place, run.seconds, number).await?;
            }
        }
    }
    let half_rounds = if run.half { run.rounds.get() } else { 0 };
    for number in 1..=half_rounds {
        for place in places.clone() {
            for subject in &mut measured {
                subject.half(place, run.seconds, number).await?;
            }
        }
    }
    let mut results = Vec::new();
    for subject in measured {
        results.push(subject.into_results().await?);
    }
    Ok(results)
}

/// A subject under measurement.
struct Measured {
    subject: Subject,
    points: Vec<AtPoint>,
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
                    points.push(AtPoint::new(Point { connections, pick, endpoint }));
                }
            }
        }
        Ok(Self { subject, points, loads, books: Books::default() })
    }

    fn tell(&self, place: usize, number: u32, per_second: f64) {
        let (point, kind) = (self.points[place].point, self.subject.kind);
        eprintln!("round {number}: {point:<46} {kind:<20} {per_second:>9.0} a second");
    }

    async fn round(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<Round, Failure> {
        let Point { connections, pick, endpoint } = self.points[place].point;
        let round = self.loads[place].run(&self.subject.urls(endpoint), seconds, number).await?;
        if round.answered == 0 || round.refused > 0 || round.broken > 0 {
            let kind = self.subject.kind;
            return Err(format!("{kind}: not every request was answered with 200: {round:?}").into());
        }
        // Each process has at least one.
        let cut_off = u64::from(connections.get()).max(self.subject.apis.len() as u64);
        self.books.enter(&self.subject, pick, round.answered, cut_off).await?;
        Ok(round)
    }

    /// Runs a round that counts.
    async fn counted(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<(), Failure> {
        let before = self.batches().await?;
        let round = self.round(place, seconds, number).await?;
        let batch = before.zip(self.batches().await?).and_then(|(before, after)| after.since(before));
        self.tell(place, number, round.per_second());
        self.points[place].rounds.push(round);
        self.points[place].batches.extend(batch);
        Ok(())
    }

    async fn batches(&self) -> Result<Option<Batches>, Failure> {
        if self.subject.kind.is_keymint() { Batches::of(&self.subject.apis).await } else { Ok(None) }
    }

    /// Runs a round at half of the rate of the rounds before.
    async fn half(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<(), Failure> {
        let AtPoint { point, rounds, .. } = &self.points[place];
        let Point { connections, pick, endpoint } = *point;
        let rate = Spread::of(rounds.iter().map(Round::per_second)).median / 2.0;
        let (urls, texts) = (self.subject.urls(endpoint), self.subject.texts(pick));
        let paced = open_loop::run(&urls, texts, endpoint, connections, rate, seconds, number).await?;
        self.books.enter(&self.subject, pick, paced.answered, 0).await?;
        self.tell(place, number, paced.per_second);
        self.points[place].at_half.push(paced);
        Ok(())
    }

    async fn into_results(mut self) -> Result<Results, Failure> {
        let resident_kib = self.subject.resident_kib();
        let accounts = self.books.close(&mut self.subject).await?;
        Ok(Results { kind: self.subject.kind, points: self.points, accounts, resident_kib })
    }
}
