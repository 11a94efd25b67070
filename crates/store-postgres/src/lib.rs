#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod behind;
#[macro_use]
mod lent;
mod connect;
mod connection;
mod copy;
mod deadline;
mod dialect;
mod distribute;
mod engine;
mod error;
mod event_store;
mod hosts;
mod identity_store;
mod instant;
mod key_store;
mod lock;
mod migrate;
mod needs;
mod options;
mod parameters;
mod pools;
mod row;
mod server_key_store;
mod shards;
mod spend;
mod store;
mod survey_store;
mod url;
mod usage_store;
mod webhook_store;

pub use behind::Behind;
pub use copy::PgCopy;
pub use distribute::{DistributeError, Distribution};
pub use engine::Engine;
pub use error::{ConnectError, Fault};
pub use options::PgOptions;
pub use parameters::ParameterError;
pub use store::PgStore;
pub use url::{PgUrl, UrlError};
