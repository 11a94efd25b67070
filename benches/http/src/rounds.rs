use std::num::NonZeroU32;

use crate::Failure;
use crate::arguments::Run;
use crate::load::Round;
use crate::subject::{Kind, Lab, Subject};

/// What one subject did in all rounds.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) kind: Kind,
    pub(crate) rounds: Vec<Round>,
    /// What the store says was spent, and the answers that were counted; none for a subject that keeps no quotas.
    pub(crate) accounts: Option<Accounts>,
}

/// Both sides of the books at the end.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Accounts {
    pub(crate) spent: u64,
    pub(crate) answered: u64,
}

/// Starts the bare endpoint and the other subjects, and drives them in turn, round after round, so that whatever
/// disturbs the machine for a while disturbs all of them.
pub(crate) async fn measure(lab: &Lab, run: &Run) -> Result<Vec<Results>, Failure> {
    const ONE_SECOND: NonZeroU32 = NonZeroU32::MIN;
    let mut measured = Vec::new();
    for kind in std::iter::once(Kind::Bare).chain(run.subjects.iter().copied().filter(|kind| *kind != Kind::Bare)) {
        eprintln!("starting {kind}");
        measured.push(Measured::start(kind, lab, run).await?);
    }
    eprintln!("warming up");
    for subject in &mut measured {
        subject.round(ONE_SECOND, 0).await?;
    }
    for number in 1..=run.rounds.get() {
        for subject in &mut measured {
            let round = subject.round(run.seconds, number).await?;
            eprintln!(
                "round {number} of {}: {:>8} {:>9.0} a second",
                run.rounds,
                subject.subject.kind,
                round.per_second()
            );
            subject.rounds.push(round);
        }
    }
    Ok(measured.into_iter().map(Measured::into_results).collect())
}

/// A subject under measurement.
struct Measured {
    subject: Subject,
    rounds: Vec<Round>,
    answered: u64,
    /// Requests that a round's end may have cut off between their payment and their answer.
    cut_off: u64,
    connections: u64,
    accounts: Option<Accounts>,
}

impl Measured {
    async fn start(kind: Kind, lab: &Lab, run: &Run) -> Result<Self, Failure> {
        Ok(Self {
            subject: lab.start(kind, run).await?,
            rounds: Vec::new(),
            answered: 0,
            cut_off: 0,
            connections: run.connections.get().into(),
            accounts: None,
        })
    }

    async fn round(&mut self, seconds: NonZeroU32, number: u32) -> Result<Round, Failure> {
        let subject = &self.subject;
        let round = subject.load.run(&subject.api.verify_url(), seconds, number).await?;
        let kind = subject.kind;
        if round.answered == 0 || round.refused > 0 || round.broken > 0 {
            return Err(format!("{kind}: not every request was answered with 200: {round:?}").into());
        }
        self.answered += round.answered;
        self.cut_off += self.connections;
        self.check().await?;
        Ok(round)
    }

    /// Checks that every answer was an acceptance that was paid for: a refusal costs nothing, so that the quotas tell.
    async fn check(&mut self) -> Result<(), Failure> {
        const SAMPLE: usize = 10;
        let Subject { kind, api, keys, .. } = &self.subject;
        for key in keys.iter().step_by(keys.len().div_ceil(SAMPLE)) {
            if !api.is_valid(key).await? {
                return Err(format!("{kind}: a key is not valid").into());
            }
        }
        if kind.keeps_quotas() {
            let (spent, answered) = (api.spent().await?, self.answered);
            if !(answered..=answered + self.cut_off).contains(&spent) {
                return Err(format!("{kind}: {answered} requests were answered, {spent} were paid for").into());
            }
            self.accounts = Some(Accounts { spent, answered });
        }
        Ok(())
    }

    fn into_results(self) -> Results {
        Results { kind: self.subject.kind, rounds: self.rounds, accounts: self.accounts }
    }
}
