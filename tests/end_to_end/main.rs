//! The binary from a user's view: started from nothing, over HTTP and on the command line, on every store.

#![expect(clippy::unwrap_used, reason = "test support")]

mod access_log;
mod audit;
mod authority;
mod backup;
mod billing;
mod command_line;
mod configuration;
mod deferral;
mod events;
mod finding;
mod import;
mod leaks;
mod many_keys;
mod metrics;
mod outage;
mod patterns;
mod portal;
mod process;
mod quick_start;
mod racing;
mod read_only;
mod readme;
mod readme_guards;
mod reloading;
mod relocation;
mod rotation;
mod secrets;
mod stopping;
mod stored_events;
mod tls;
mod traces;
mod undelete;
mod users;
mod webhooks;
