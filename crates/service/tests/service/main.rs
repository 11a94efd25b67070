//! The use cases over the memory store, and under the faults of a mocked one.

#![expect(clippy::unwrap_used, reason = "test support")]

mod addresses;
mod audit;
mod cleanup;
mod deferral;
mod foreign;
mod github;
mod grants;
mod group_commit;
mod holder_reports;
mod idempotency;
mod identity;
mod key_sessions;
mod leaks;
mod many_keys;
mod metering;
mod odd_store;
mod organizations;
mod people;
mod readiness;
mod revoking;
mod server_keys;
mod support;
mod undelete;
mod usage;
mod use_cases;
mod watch;
mod webhooks;
