//! What a gateway asks and is told: may this request pass, and whose is it?

mod denial;
mod gateway;
mod identity;
mod parameters;
mod repeat;
mod shown;

pub use denial::Denial;
pub(crate) use gateway::Asker;
pub(crate) use identity::identify;
pub(crate) use parameters::Parameters;
pub(crate) use repeat::name_of_request;
pub(crate) use shown::{showing_headers, shown_key};
