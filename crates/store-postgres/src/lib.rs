#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod behind;
#[macro_use]
mod columns;
#[macro_use]
mod lent;
mod connect;
mod deadline;
mod error;
mod identity;
mod instant;
mod key_store;
mod layout;
mod lock;
mod migrate;
mod needs;
mod number;
mod options;
mod organization;
mod owner;
mod parameters;
mod row;
mod server_keys;
mod store;

pub use behind::Behind;
pub use error::{ConnectError, Fault};
pub use options::PgOptions;
pub use parameters::{ParameterError, check_parameters};
pub use store::PgStore;
