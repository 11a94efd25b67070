//! The check that every answer was an acceptance that the store has kept.

use serde::Serialize;

use crate::Failure;
use crate::keys::Pick;
use crate::subject::{Kind, Subject};

/// Both sides of the books of a subject whose database counts uses.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Books {
    /// The quotas that keys have spent, and the calls of keys with only a rate limit, according to the store.
    pub(crate) spent: u64,
    /// Answers about such keys.
    pub(crate) answered: u64,
    /// Requests that a round's end may have interrupted between their payment and their answer.
    cut_off: u64,
}

impl Books {
    /// Enters a round, and verifies a sample of its keys. A refusal costs nothing, so that the store shows whether each
    /// answer was an acceptance.
    pub(crate) async fn enter(
        &mut self,
        subject: &Subject,
        pick: Pick,
        answered: u64,
        cut_off: u64,
    ) -> Result<(), Failure> {
        const SAMPLE: usize = 10;
        let is_counted = is_counted(subject.kind(), pick);
        if is_counted {
            self.answered += answered;
            self.cut_off += cut_off;
        }
        let draw = subject.draw(pick);
        let texts = draw.texts();
        let numbers = (0..texts.count()).step_by(texts.count().div_ceil(SAMPLE));
        for (number, api) in numbers.zip(subject.apis.iter().cycle()) {
            if !api.is_valid(&texts.text(number)).await? {
                return Err(format!("{}: a key is not valid", subject.kind()).into());
            }
            self.answered += u64::from(is_counted);
        }
        self.check(subject, subject.kind().defers_usage()).await
    }

    /// Ends the subject's servers if they keep a database, and checks its state. Returns both sides if there is a
    /// database.
    pub(crate) async fn close(mut self, subject: &mut Subject) -> Result<Option<Self>, Failure> {
        if subject.kind().is_keymint() && subject.database.is_some() {
            subject.finish().await?;
        }
        self.check(subject, false).await?;
        Ok(subject.database.is_some().then_some(self))
    }

    /// Checks both sides. A store may be behind the answers if usage is deferred, but never ahead of them.
    async fn check(&mut self, subject: &Subject, is_behind: bool) -> Result<(), Failure> {
        let (Some(database), kind) = (&subject.database, subject.kind()) else { return Ok(()) };
        self.spent = database.stock.spent().await?;
        // A peer's books are shown, but not judged.
        if kind.is_keymint() {
            self.spent += database.stock.called().await?;
            let least = if is_behind { 0 } else { self.answered };
            if !(least..=self.answered + self.cut_off).contains(&self.spent) {
                return Err(
                    format!("{kind}: {} requests were answered, {} were paid for", self.answered, self.spent).into()
                );
            }
        }
        Ok(())
    }
}

/// Returns true if the subject's store counts the calls of keys.
fn is_counted(kind: Kind, pick: Pick) -> bool {
    match pick {
        Pick::Spread | Pick::Zipf | Pick::Hot => true,
        Pick::RateLimited => kind.is_keymint() && kind.engine().is_some(),
        Pick::Unlimited => false,
    }
}
