use super::rules::{CHAIN, Case, RuleRefusal};
use super::{Attempt, Fact, Owner, Verdict, decide};
use crate::policy::Policy;
use crate::{ApiKey, ErrorCode, Timestamp};

/// The answer that a verification would give, and the report of every rule of the chain. Nothing is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// The answer of a verification at the same instant. An accepted key has the call counted.
    pub verdict: Verdict,
    /// Every rule in the order of the chain. The first one that refuses is the reason of the verdict.
    pub reports: Vec<RuleReport>,
}

/// The report of one rule of the chain, whatever the rules before it report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleReport {
    /// The rule's name.
    pub rule: &'static str,
    /// The rule's judgement.
    pub judgement: Judgement,
    /// The facts that the rule looked at, each with its name.
    pub facts: Vec<(&'static str, Fact)>,
}

/// The judgement of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The rule does not object to the call.
    Passed,
    /// The rule refuses the call.
    Refused {
        /// The reason.
        code: ErrorCode,
        /// Milliseconds until the rule would pass; `None` = waiting does not help.
        retry_in_ms: Option<u64>,
    },
    /// There was nothing to judge: no key was found.
    NotJudged,
}

/// Judges an attempt by every rule of the chain, each on `key` as it is.
pub fn dry_run(key: Option<(&ApiKey, Owner)>, attempt: &Attempt, policy: &Policy, now: Timestamp) -> DryRun {
    let verdict = decide(key, attempt, policy, now);
    let reports = match key {
        Some((key, owner)) => judge_each(&Case::new(key, owner, attempt, policy, now)),
        None => of_no_key(&verdict),
    };
    DryRun { verdict, reports }
}

fn judge_each(case: &Case<'_>) -> Vec<RuleReport> {
    let judge = |rule: &super::rules::Rule| RuleReport {
        rule: rule.name,
        judgement: match (rule.judge)(case, &mut case.key.usage.clone()) {
            Ok(()) => Judgement::Passed,
            Err(RuleRefusal { code, retry_in_ms }) => Judgement::Refused { code, retry_in_ms },
        },
        facts: (rule.facts)(case),
    };
    CHAIN.iter().map(judge).collect()
}

/// Reports that no key was found. That is the first rule; the others have nothing to judge.
fn of_no_key(verdict: &Verdict) -> Vec<RuleReport> {
    let refused = verdict.refused().map(|refusal| Judgement::Refused { code: refusal.code, retry_in_ms: None });
    let judgements = refused.into_iter().chain(std::iter::repeat(Judgement::NotJudged));
    CHAIN
        .iter()
        .zip(judgements)
        .map(|(rule, judgement)| RuleReport { rule: rule.name, judgement, facts: Vec::new() })
        .collect()
}
