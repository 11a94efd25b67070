#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

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
mod options;
mod organization;
mod owner;
mod row;
mod server_keys;
mod store;

pub use error::ConnectError;
pub use options::PgOptions;
pub use store::PgStore;
