use std::fmt;

use keymint_domain::event::Actor;
use keymint_domain::key::PlainKey;
use keymint_domain::leak::{LeakEffect, LeakOutcome, LeakPlace, LeakReport, MAX_LEAKS, Reporter};
use keymint_ports::StoreError;

use crate::{Keys, ServiceError, Source};

/// A text that was found in public, and may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundText {
    /// The text.
    pub key: PlainKey,
    /// The kind of the place where it was found, such as `commit`; empty = not known.
    pub source: String,
    /// The URL of the place; empty = not known.
    pub url: String,
}

impl FoundText {
    /// Makes a finding at an unknown place.
    pub fn nowhere(key: PlainKey) -> Self {
        Self { key, source: String::new(), url: String::new() }
    }
}

/// Shows nothing of the text, nor of the place, whose URL may have it.
impl fmt::Debug for FoundText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FoundText")
    }
}

/// The outcomes of the reported texts, in their order. One is an error if the row of the key cannot be read.
pub type LeakOutcomes = Vec<Result<LeakOutcome, StoreError>>;

impl Keys {
    /// Applies a report of texts that were found in public: each key among them is revoked, ends, or is reported, as its
    /// configuration asks.
    ///
    /// A report is no use of a key: nothing is counted. A repeated one changes nothing. Every text is looked up, also one
    /// that a verification refuses unseen, since a later configuration may accept it. More than [`MAX_LEAKS`] texts are
    /// applied in portions, each in one transaction.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Earlier portions have then been applied.
    pub async fn report_leaks(
        &self,
        reporter: Reporter,
        found: &[FoundText],
        source: &Source,
    ) -> Result<LeakOutcomes, ServiceError> {
        let mut outcomes = Vec::with_capacity(found.len());
        for portion in found.chunks(MAX_LEAKS) {
            outcomes.extend(self.report_portion(reporter, portion, source).await?);
        }
        Ok(outcomes)
    }

    async fn report_portion(
        &self,
        reporter: Reporter,
        found: &[FoundText],
        source: &Source,
    ) -> Result<LeakOutcomes, ServiceError> {
        let reports: Vec<_> = found.iter().map(|found| self.report_of(reporter, found)).collect();
        let now = self.clock.now();
        let origin = self.recorder.origin(Actor::LeakReport, source, now, &*self.entropy);
        let outcomes = self.store.report_leaks(&reports, &self.policy, now, &origin).await?;
        for key in outcomes.iter().flatten().flat_map(LeakOutcome::keys) {
            if key.effect != LeakEffect::Unchanged {
                self.forget(&key.stored).await;
            }
        }
        Ok(outcomes)
    }

    fn report_of(&self, reporter: Reporter, found: &FoundText) -> LeakReport {
        let FoundText { key, source, url } = found;
        LeakReport::new(key, reporter, LeakPlace::new(key, source, url), &self.policy)
    }
}
