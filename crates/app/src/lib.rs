//! The binary's parts: configuration, command line, and the wiring of stores, service and server.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the configuration, parsed |
//! | [`environment`] | the process environment |
//! | [`cli`] | the commands |
//! | [`wiring`] | the choice of store and options: the only place that knows all crates |
//! | [`serve`] | the server's life from start to SIGTERM |
//! | [`reload`] | the reload of the configuration on SIGHUP |
//! | `metrics`, `telemetry` | the view for operators: Prometheus and OpenTelemetry |
//! | [`welcome`] | the text that is printed at the start |

mod bind;
pub mod cli;
pub mod config;
pub mod environment;
mod logging;
mod metrics;
pub mod reload;
pub mod serve;
mod signals;
mod telemetry;
mod units;
pub mod welcome;
pub mod wiring;

/// Runs the examples of `docs/embedding.md`, here because this crate knows all the others.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Embedding;
