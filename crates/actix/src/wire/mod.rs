//! What goes over the wire: bodies and queries on their way in, answers on their way out.

mod identity;
mod iso;
mod limits;
mod read;
mod view;

pub use identity::{
    KeySessionView, SessionView, SignedInView, SignedUpView, UserView, read_sign_in, read_sign_out, read_sign_up,
};
pub(crate) use limits::{retry_after, show_limits, show_verdict};
pub use read::{read_config_id, read_create, read_id, read_list, read_update, read_validate, read_verify};
pub use view::{CreatedView, KeyView, PageView, ValidatedView, VerdictView};
