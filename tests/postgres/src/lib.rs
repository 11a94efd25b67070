#![doc = include_str!("../README.md")]

mod binaries;
mod cluster;
mod server;
mod user;

pub use cluster::PrivateCluster;
pub use server::database;
