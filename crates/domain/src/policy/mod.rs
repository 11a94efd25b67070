//! What a deployment allows: its configurations, and how a request or a key finds the one that governs it.

mod configuration;
mod lookup;

pub use configuration::{Configuration, Expiration, LengthRange, RateLimitDefaults, References};
pub use lookup::{ConfigFilter, DuplicateConfigId, Policy};
