#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

#[macro_use]
mod reader;
mod backup;
mod checkpoint;
mod connect;
mod copy;
mod dialect;
mod error;
mod event_store;
mod file;
mod identity_store;
mod key_store;
mod migrate;
mod needs;
mod options;
mod row;
mod server_key_store;
mod spend;
mod store;
mod survey_store;
mod usage_store;
mod webhook_store;
mod writer;

pub use backup::BackupError;
pub use copy::SqliteCopy;
pub use error::{ConnectError, Fault};
pub use options::SqliteOptions;
pub use store::SqliteStore;
