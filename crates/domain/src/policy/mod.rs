//! Policy: the configurations of a deployment, and the lookup of the one that governs a request or a key.

mod configuration;
mod lookup;

pub use configuration::{Configuration, Expiration, LengthRange, RateLimitDefaults, References};
pub use lookup::{ConfigFilter, DuplicateConfigId, Policy};
