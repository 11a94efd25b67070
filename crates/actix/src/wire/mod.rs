//! What goes over the wire: bodies and queries on their way in, answers on their way out.

mod read;
mod view;

pub use read::{read_config_id, read_create, read_id, read_list, read_update, read_verify};
pub use view::{CreatedView, KeyView, PageView, VerdictView};
