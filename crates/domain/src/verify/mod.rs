//! The validation chain, which decides whether a key may be used now.

mod attempt;
mod chain;
mod deferred;
mod dry_run;
mod fact;
mod fingerprint;
mod ledger;
mod owner;
mod rules;
mod verdict;

pub use attempt::{Attempt, Cost};
pub use chain::decide;
pub use deferred::Deferred;
pub use dry_run::{DryRun, Judgement, RuleReport, dry_run};
pub use fact::Fact;
pub use fingerprint::Fingerprint;
pub use ledger::Ledger;
pub use owner::{Ban, Owner};
pub use verdict::{Refusal, Verdict};
