//! What goes over the wire: bodies and queries on their way in, answers on their way out.

mod dry_run;
mod identity;
mod iso;
mod limits;
mod read;
mod refusal;
pub(crate) mod shape;
mod view;

use serde_json::value::RawValue;

pub use dry_run::DryRunView;
pub(crate) use identity::shape as identity_shape;
pub use identity::{
    KeySessionView, SessionView, SignedInView, SignedUpView, UserView, read_sign_in, read_sign_out, read_sign_up,
};
pub(crate) use limits::{retry_after, show_limits, show_verdict};
pub use read::{
    read_config_id, read_create, read_dry_run, read_id, read_list, read_update, read_validate, read_verify,
};
pub use refusal::RefusalDetails;
pub use view::{CreatedView, KeyView, PageView, UnreadableView, ValidatedView, VerdictView};

/// A JSON text that the domain has parsed before.
pub(crate) fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}
