use std::num::NonZeroU32;

use serde::Serialize;

use crate::Failure;
use crate::arguments::Run;
use crate::figures::Spread;
use crate::keys::Pick;
use crate::load::{Load, Round};
use crate::open_loop::{self, Paced};
use crate::subject::{Kind, Lab, Subject};

/// What is asked of every subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    pub(crate) connections: NonZeroU32,
    pub(crate) pick: Pick,
}

/// What one subject did in all rounds.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) kind: Kind,
    pub(crate) points: Vec<AtPoint>,
    /// What the store says was spent, and the answers that were counted; none for a subject that keeps no quotas.
    pub(crate) accounts: Option<Accounts>,
    /// KiB of memory that the server held at the end.
    pub(crate) resident_kib: Option<u64>,
}

/// What one subject did at one point.
#[derive(Debug)]
pub(crate) struct AtPoint {
    pub(crate) point: Point,
    pub(crate) rounds: Vec<Round>,
    pub(crate) at_half: Vec<Paced>,
}

/// Both sides of the books at the end.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Accounts {
    pub(crate) spent: u64,
    pub(crate) answered: u64,
}

/// Starts the bare endpoint and the other subjects, and drives them in turn, point by point, round after round, so that
/// whatever disturbs the machine for a while disturbs all of them.
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
                let round = subject.round(place, run.seconds, number).await?;
                subject.tell(place, number, round.per_second());
                subject.points[place].rounds.push(round);
            }
        }
    }
    let half_rounds = if run.half { run.rounds.get() } else { 0 };
    for number in 1..=half_rounds {
        for place in places.clone() {
            for subject in &mut measured {
                let paced = subject.half(place, run.seconds, number).await?;
                subject.tell(place, number, paced.per_second);
                subject.points[place].at_half.push(paced);
            }
        }
    }
    Ok(measured.into_iter().map(Measured::into_results).collect())
}

/// A subject under measurement.
struct Measured {
    subject: Subject,
    points: Vec<AtPoint>,
    loads: Vec<Load>,
    answered: u64,
    /// Requests that a round's end may have cut off between their payment and their answer.
    cut_off: u64,
    accounts: Option<Accounts>,
}

impl Measured {
    async fn start(kind: Kind, lab: &Lab, run: &Run) -> Result<Self, Failure> {
        let subject = lab.start(kind, run).await?;
        let (mut points, mut loads) = (Vec::new(), Vec::new());
        for connections in run.connections.iter().copied() {
            for pick in run.pick.iter().copied() {
                let point = Point { connections, pick };
                loads.push(Load::of(&subject, point, run.threads)?);
                points.push(AtPoint { point, rounds: Vec::new(), at_half: Vec::new() });
            }
        }
        Ok(Self { subject, points, loads, answered: 0, cut_off: 0, accounts: None })
    }

    fn tell(&self, place: usize, number: u32, per_second: f64) {
        let Point { connections, pick } = self.points[place].point;
        let kind = self.subject.kind;
        eprintln!("round {number}: {connections:>4} connections {pick:>9} {kind:>20} {per_second:>9.0} a second");
    }

    async fn round(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<Round, Failure> {
        let (kind, url) = (self.subject.kind, self.subject.api.verify_url());
        let round = self.loads[place].run(&url, seconds, number).await?;
        if round.answered == 0 || round.refused > 0 || round.broken > 0 {
            return Err(format!("{kind}: not every request was answered with 200: {round:?}").into());
        }
        let Point { connections, pick } = self.points[place].point;
        self.check(pick, round.answered, connections.get().into()).await?;
        Ok(round)
    }

    /// A round at half of what the rounds before reached.
    async fn half(&mut self, place: usize, seconds: NonZeroU32, number: u32) -> Result<Paced, Failure> {
        let AtPoint { point, rounds, .. } = &self.points[place];
        let point = *point;
        let rate = Spread::of(rounds.iter().map(Round::per_second)).median / 2.0;
        let texts = self.subject.texts(point.pick);
        let url = self.subject.api.verify_url();
        let paced = open_loop::run(url, texts, point.connections, rate, seconds, number).await?;
        self.check(point.pick, paced.answered, 0).await?;
        Ok(paced)
    }

    /// Checks that every answer was an acceptance that was paid for: a refusal costs nothing, so that the quotas tell.
    async fn check(&mut self, pick: Pick, answered: u64, cut_off: u64) -> Result<(), Failure> {
        const SAMPLE: usize = 10;
        if pick != Pick::Unlimited {
            self.answered += answered;
            self.cut_off += cut_off;
        }
        let Subject { kind, api, .. } = &self.subject;
        let texts = self.subject.texts(pick);
        for number in (0..texts.count()).step_by(texts.count().div_ceil(SAMPLE)) {
            if !api.is_valid(&texts.text(number)).await? {
                return Err(format!("{kind}: a key is not valid").into());
            }
            self.answered += u64::from(pick != Pick::Unlimited);
        }
        if let Some(spent) = self.subject.spent().await? {
            let answered = self.answered;
            if kind.keeps_quotas() && !(answered..=answered + self.cut_off).contains(&spent) {
                return Err(format!("{kind}: {answered} requests were answered, {spent} were paid for").into());
            }
            self.accounts = Some(Accounts { spent, answered });
        }
        Ok(())
    }

    fn into_results(self) -> Results {
        let resident_kib = self.subject.server.resident_kib();
        Results { kind: self.subject.kind, points: self.points, accounts: self.accounts, resident_kib }
    }
}
