//! What a gateway asks and is told: may this request pass, and whose is it?

mod assertion;
mod denial;
mod gateway;
mod identity;
mod original;
mod parameters;
mod repeat;
mod shown;
mod signing_key;

pub(crate) use assertion::KeySet;
pub use assertion::{AssertionOptions, Assertions};
pub use denial::Denial;
pub(crate) use gateway::Asker;
pub(crate) use identity::identify;
pub(crate) use original::Original;
pub(crate) use parameters::Parameters;
pub(crate) use repeat::name_of_request;
pub(crate) use shown::{showing_headers, shown_key};
