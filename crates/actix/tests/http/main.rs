//! Every route through a real socket, over the memory store with a clock that stands still, and over mocked stores
//! that fail.

#![expect(clippy::unwrap_used, reason = "test support")]

mod account;
mod address_lists;
mod addresses;
mod assertions;
mod audit;
mod authorize;
mod ceilings;
mod connections;
mod counters;
mod document;
mod dry_run;
mod events;
mod faults;
mod finding;
mod health;
mod hostile;
mod identity;
mod introspection;
mod key_sessions;
mod leaks;
mod limits;
mod manage;
mod openapi;
mod origins;
mod permissions;
mod portal;
mod repeats;
mod rotation;
mod server;
mod support;
mod tls;
mod transport;
mod turns;
mod undelete;
mod usage;
mod verify;
mod webhooks;
