#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod events;
mod identity_store;
mod key_store;
mod organization_store;
mod server_key_store;
mod sort;
mod state;
mod store;
mod survey_store;
mod usage_store;
mod webhook_store;

pub use store::MemoryStore;
