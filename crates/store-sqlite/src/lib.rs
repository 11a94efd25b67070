#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod backup;
mod checkpoint;
#[macro_use]
mod columns;
mod connect;
mod error;
mod file;
mod identity;
mod key_store;
mod layout;
mod migrate;
mod needs;
mod options;
mod organization;
mod owner;
mod row;
mod server_keys;
mod store;
mod writer;

pub use backup::BackupError;
pub use error::{ConnectError, Fault};
pub use options::SqliteOptions;
pub use store::SqliteStore;
