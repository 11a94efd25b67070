//! Answers: keys, users and refusals as the wire has them, and how keys stand against their limits.

mod dry_run;
mod iso;
mod key;
pub(crate) mod limits;
mod refusal;
mod user;
mod verdict;

use serde_json::value::RawValue;

pub use dry_run::DryRunView;
pub use key::{CreatedView, KeyView, PageView, UnreadableView};
pub use refusal::RefusalDetails;
pub use user::UserView;
pub use verdict::VerdictView;

pub(crate) use iso::Iso;

/// Parses a JSON text that the domain has parsed before.
pub(crate) fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}
