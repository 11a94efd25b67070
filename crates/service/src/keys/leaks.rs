use std::collections::HashSet;
use std::fmt;

use keymint_domain::event::Actor;
use keymint_domain::key::{ForeignGroup, PlainKey};
use keymint_domain::leak::{LeakEffect, LeakOutcome, LeakPlace, LeakReport, LeakResult, MAX_LEAKS, Reporter};
use keymint_ports::StoreError;

use crate::foreign::{Adoption, Reported};
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

/// The largest number of texts of a portion for which slow hashes are computed. Anybody may report a thousand texts that
/// begin as a key does.
const MOST_SLOW: usize = 32;

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
    /// A key that was imported by a foreign hash, and was not used yet, is stored under its text first, as its first use
    /// would. Slow hashes are computed for at most 32 texts of a portion, unless an operator reports it, and for each key
    /// as seldom as for verifications.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Earlier portions have then been applied. Returns
    /// [`ServiceError::Overloaded`] if more slow hashes would have to be computed. All other texts of the portion were then
    /// applied, and the same report goes on with the rest.
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
        let groups = self.foreign.known_groups().await?;
        let reports: Vec<_> = found.iter().map(|found| self.report_of(reporter, found)).collect();
        let mut outcomes = self.apply_reports(&reports, source).await?;
        let unchecked = if groups.is_empty() {
            HashSet::new()
        } else {
            self.report_foreign(&groups, reporter, found, &reports, &mut outcomes, source).await?
        };
        for (place, outcome) in outcomes.iter().enumerate() {
            if !unchecked.contains(&place) {
                self.meter.leak_reported(reporter, LeakResult::of(outcome));
            }
        }
        if unchecked.is_empty() { Ok(outcomes) } else { Err(ServiceError::Overloaded) }
    }

    async fn apply_reports(&self, reports: &[LeakReport], source: &Source) -> Result<LeakOutcomes, ServiceError> {
        let now = self.clock.now();
        let origin = self.recorder.origin(Actor::LeakReport, source, now, &*self.entropy);
        let outcomes = self.store.report_leaks(reports, &self.policy, now, &origin).await?;
        for key in outcomes.iter().flatten().flat_map(LeakOutcome::keys) {
            if key.effect != LeakEffect::Unchanged {
                self.forget(&key.stored).await;
            }
        }
        Ok(outcomes)
    }

    /// Applies the reports of unknown texts again whose keys have foreign hashes. Returns the places of those of which it
    /// is not known, because too many slow hashes would have to be computed.
    async fn report_foreign(
        &self,
        groups: &[ForeignGroup],
        reporter: Reporter,
        found: &[FoundText],
        reports: &[LeakReport],
        outcomes: &mut LeakOutcomes,
        source: &Source,
    ) -> Result<HashSet<usize>, ServiceError> {
        let is_unknown = |place: &usize| matches!(outcomes[*place], Ok(LeakOutcome::Unknown));
        let unknown: Vec<usize> = (0..reports.len()).filter(is_unknown).collect();
        let texts: Vec<_> = unknown
            .iter()
            .map(|place| Reported { key: &found[*place].key, forms: reports[*place].stored_forms().cloned().collect() })
            .collect();
        // An operator waits for all of them.
        let most_slow = if reporter == Reporter::Operator { usize::MAX } else { MOST_SLOW };
        let adoptions = self.foreign.adopt(groups, &texts, most_slow).await?;
        let (mut again, mut unchecked) = (Vec::new(), HashSet::new());
        for (place, adoption) in unknown.into_iter().zip(adoptions) {
            match adoption {
                Adoption::Unknown => {}
                Adoption::Stored => again.push(place),
                Adoption::Unchecked => _ = unchecked.insert(place),
                Adoption::Unreadable(error) => outcomes[place] = Err(error),
            }
        }
        if !again.is_empty() {
            let reports: Vec<_> = again.iter().map(|place| reports[*place].clone()).collect();
            for (place, outcome) in again.into_iter().zip(self.apply_reports(&reports, source).await?) {
                outcomes[place] = outcome;
            }
        }
        Ok(unchecked)
    }

    fn report_of(&self, reporter: Reporter, found: &FoundText) -> LeakReport {
        let FoundText { key, source, url } = found;
        LeakReport::new(key, reporter, LeakPlace::new(key, source, url), &self.policy)
    }
}
