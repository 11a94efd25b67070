//! What every request passes: where it comes from, who asks, the body, the query, and the frame around all of them.

mod address;
mod body;
mod call;
mod caller;
mod changed;
mod frame;
mod judged;
mod log;
mod pairs;
mod request_id;
mod shown;
mod trace;
mod watch;

pub(crate) use address::{client_address, forwarded_address, is_trusted_peer, proven_address};
pub use body::JsonBody;
pub(crate) use body::TakesForms;
pub use call::Call;
pub use caller::Authenticated;
pub(crate) use caller::bearer_token;
pub(crate) use changed::Changed;
pub(crate) use frame::{frame, time_limit};
pub(crate) use judged::Judged;
pub(crate) use pairs::pairs;
pub use request_id::RequestIds;
pub(crate) use request_id::own_id;
pub(crate) use shown::{NoKey, headers_of_key, one_key};
pub use trace::Tracing;
pub use watch::Answered;
pub(crate) use watch::{RoutePattern, Watch};
