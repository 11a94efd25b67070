//! What every request passes: who asks, the body, the query, and the frame around all of them.

mod body;
mod caller;
mod frame;
mod request_id;

pub use body::JsonBody;
pub use caller::Authenticated;
pub(crate) use frame::{frame, time_limit};
pub use request_id::RequestIds;
