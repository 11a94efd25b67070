#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod key_store;
mod server_key_store;
mod sort;
mod state;
mod store;

pub use store::MemoryStore;
