use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use keymint_domain::health::{Finding, KeyFacts, RecordedUses, RotationFacts, Severity, Thresholds, findings};
use keymint_domain::metering::Hour;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, Timestamp};
use keymint_ports::SurveyQuery;

use crate::caller::Deed;
use crate::{Caller, Keys, ServiceError, Whose};

/// A request for the findings about a portion of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExamineKeys {
    /// The owner of the keys.
    pub whose: Whose,
    /// Only keys of this configuration.
    pub config_id: Option<ConfigId>,
    /// Only this finding.
    pub finding: Option<Finding>,
    /// Only findings of this severity or a higher one.
    pub severity: Option<Severity>,
    /// The limits of the findings that depend on time.
    pub thresholds: Thresholds,
    /// The key behind which the portion begins; `None` = at the first key.
    pub after: Option<KeyId>,
    /// The keys to examine; `None` = [`ExamineKeys::MAX_LIMIT`], and never more than that.
    pub limit: Option<NonZeroU32>,
}

impl ExamineKeys {
    /// The largest number of keys of a portion.
    pub const MAX_LIMIT: NonZeroU32 = NonZeroU32::new(1000).unwrap();
}

/// The findings about a portion of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthReport {
    /// The keys of each finding.
    pub findings: BTreeMap<Finding, Vec<KeyId>>,
    /// The keys that something was found about, in the order in which they were examined.
    pub keys: Vec<ApiKey>,
    /// The number of keys that were examined.
    pub examined: u64,
    /// The number of rows that cannot be read.
    pub unreadable: u64,
    /// The instant since which uses are recorded without a gap; `None` = none are.
    pub recorded_since: Option<Timestamp>,
    /// The key behind which the next portion begins; `None` = this was the last one.
    pub next: Option<KeyId>,
}

impl Keys {
    /// Examines a portion of keys for findings that somebody should look at. `None` = this service keeps no statistics
    /// of uses.
    ///
    /// A user sees their own keys, and their organizations' as their roles allow. A server sees all.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; a member's missing right; [`ServiceError::Store`] if the store fails.
    pub async fn examine(&self, caller: &Caller, request: ExamineKeys) -> Result<Option<HealthReport>, ServiceError> {
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        let ExamineKeys { whose, config_id, finding, severity, thresholds, after, limit } = request;
        let (Some(survey), Some(usage)) = (&self.survey, &self.usage) else { return Ok(None) };
        let Some((owner, configurations)) = self.readable(reach, whose, config_id).await? else {
            return Ok(Some(HealthReport::default()));
        };
        let now = self.clock.now();
        let first_kept = Hour::of(now).minus_days(usage.options().retention_days);
        let recorded = survey.recorded_since().await?.filter(|_| usage.options().enabled);
        let since = recorded.map_or(now, |recorded| recorded.max(first_kept).start());
        let query = SurveyQuery {
            owner,
            configurations,
            uses_since: first_kept,
            after,
            limit: limit.unwrap_or(ExamineKeys::MAX_LIMIT).min(ExamineKeys::MAX_LIMIT),
        };
        let portion = survey.survey(&query).await?;
        let mut report = HealthReport {
            examined: portion.keys.len() as u64,
            unreadable: portion.unreadable.into(),
            recorded_since: recorded.map(|_| since),
            next: portion.next,
            ..HealthReport::default()
        };
        let ids: Vec<_> = portion.keys.iter().map(|surveyed| surveyed.key.details.id.clone()).collect();
        let leaks: HashMap<_, _> = survey.leaks_of(&ids).await?.into_iter().collect();
        for surveyed in portion.keys {
            let recorded_uses = RecordedUses {
                since,
                last_used_at: surveyed.last_use.map(|last| last.at),
                accepted: surveyed.accepted,
                refused: surveyed.refused,
            };
            let facts = KeyFacts {
                key: &surveyed.key,
                owner: surveyed.owner,
                uses: recorded_uses,
                rotation: RotationFacts::of(&surveyed.key),
                leaked_at: leaks.get(&surveyed.key.details.id).copied(),
            };
            let is_asked_for = |found: &Finding| {
                finding.is_none_or(|asked| asked == *found) && severity.is_none_or(|least| found.severity() >= least)
            };
            let mut found = findings(&facts, &self.policy, thresholds, now);
            found.retain(is_asked_for);
            for finding in &found {
                report.findings.entry(*finding).or_default().push(surveyed.key.details.id.clone());
            }
            if !found.is_empty() {
                report.keys.push(surveyed.key);
            }
        }
        Ok(Some(report))
    }
}
