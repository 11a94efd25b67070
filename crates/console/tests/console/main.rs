//! Every page through a real socket, over the memory store with a clock that stands still.

#![expect(clippy::unwrap_used, reason = "test support")]

mod account;
mod assets;
mod audit;
mod claim;
mod create;
mod entrance;
mod failures;
mod health;
mod jar;
mod key;
mod list;
mod once;
mod operators;
mod organizations;
mod owners;
mod portal;
mod portal_elsewhere;
mod reset;
mod server_keys;
mod settings;
mod support;
mod users;
mod webhooks;
