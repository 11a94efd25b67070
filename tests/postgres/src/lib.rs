#![doc = include_str!("../README.md")]

mod binaries;
mod cluster;
mod proxy;
mod server;
mod user;

pub use binaries::tool;
pub use cluster::PrivateCluster;
pub use proxy::Proxy;
pub use server::{database, url_at};
