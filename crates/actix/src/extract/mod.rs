//! Arguments of handlers: JSON bodies, servers, and requests of users.

mod body;
mod context;
mod server_or_anyone;
mod sign_in;
mod user_request;

pub(crate) use body::{JsonBody, TakesForms, read_form, read_raw_json};
pub(crate) use context::{context_of, source_of};
pub(crate) use server_or_anyone::ServerOrAnyone;
pub(crate) use sign_in::admit;
pub(crate) use user_request::{DISABLE_REFRESH, UserRequest};
