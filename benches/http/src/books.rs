//! The check that every answer was an acceptance that the store has kept.

use serde::Serialize;

use crate::Failure;
use crate::keys::Pick;
use crate::subject::{Kind, Subject};

/// Both sides of the books.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Accounts {
    /// The quotas that keys have spent, and the calls of keys with only a rate limit, according to the store.
    pub(crate) spent: u64,
    /// Answers about such keys.
    pub(crate) answered: u64,
}

/// The requests to a subject whose store can count them.
#[derive(Debug, Default)]
pub(crate) struct Books {
    answered: u64,
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
        let is_counted = is_counted(subject.kind, pick);
        if is_counted {
            self.answered += answered;
            self.cut_off += cut_off;
        }
        let texts = subject.texts(pick);
        let numbers = (0..texts.count()).step_by(texts.count().div_ceil(SAMPLE));
        for (number, api) in numbers.zip(subject.apis.iter().cycle()) {
            if !api.is_valid(&texts.text(number)).await? {
                return Err(format!("{}: a key is not valid", subject.kind).into());
            }
            self.answered += u64::from(is_counted);
        }
        let is_behind = subject.kind.defers_usage();
        self.check(subject, is_behind).await?;
        Ok(())
    }

    /// Ends the subject's servers if they keep a database, and checks its state.
    pub(crate) async fn close(self, subject: &mut Subject) -> Result<Option<Accounts>, Failure> {
        if subject.kind.is_keymint() && subject.database.is_some() {
            subject.finish().await?;
        }
        self.check(subject, false).await
    }

    /// Checks both sides. A store may be behind the answers if usage is deferred, but never ahead of them.
    async fn check(&self, subject: &Subject, is_behind: bool) -> Result<Option<Accounts>, Failure> {
        let kind = subject.kind;
        let Some(spent) = spent(subject).await? else { return Ok(None) };
        let answered = self.answered;
        let least = if is_behind { 0 } else { answered };
        // A peer's books are shown, but not judged.
        if kind.is_keymint() && !(least..=answered + self.cut_off).contains(&spent) {
            return Err(format!("{kind}: {answered} requests were answered, {spent} were paid for").into());
        }
        Ok(Some(Accounts { spent, answered }))
    }
}

/// Returns true if the subject's store counts the calls of keys.
fn is_counted(kind: Kind, pick: Pick) -> bool {
    match pick {
        Pick::Spread | Pick::Hot => true,
        Pick::RateLimited => kind.is_keymint() && kind.engine().is_some(),
        Pick::Unlimited => false,
    }
}

/// Returns the store's count; `None` = there is no store.
async fn spent(subject: &Subject) -> Result<Option<u64>, Failure> {
    match &subject.database {
        Some(database) if subject.kind.is_keymint() => {
            Ok(Some(database.stock.spent().await? + database.stock.called().await?))
        }
        Some(database) => Ok(Some(database.stock.spent().await?)),
        None if subject.kind == Kind::Memory => Ok(Some(subject.apis[0].spent().await?)),
        None => Ok(None),
    }
}
