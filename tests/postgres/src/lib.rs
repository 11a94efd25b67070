#![doc = include_str!("../README.md")]

mod binaries;
mod citus;
mod cluster;
mod proxy;
mod server;
mod user;

pub use binaries::tool;
pub use citus::{CitusTemplate, citus_database};
pub use cluster::PrivateCluster;
pub use proxy::Proxy;
pub use server::{database, url_at};
