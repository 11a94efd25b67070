//! The sections of the configuration, one a file. Each reads its keys into domain types.

pub(super) mod api_key;
pub(super) mod audit;
pub(super) mod authorize;
pub(super) mod cleanup;
pub(super) mod console;
pub(super) mod database;
pub(super) mod identity;
pub(super) mod import;
pub(super) mod leaks;
pub(super) mod listen;
pub(super) mod log;
pub(super) mod metrics;
pub(super) mod notices;
pub(super) mod organization;
pub(super) mod secret;
pub(super) mod server;
pub(super) mod server_keys;
pub(super) mod telemetry;
mod throttle;
pub(super) mod tls;
pub(super) mod usage;
pub(super) mod verify;
pub(super) mod webhooks;
