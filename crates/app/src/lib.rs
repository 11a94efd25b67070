//! The binary's parts: configuration, command line, and the wiring of stores, service and server.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | what was written down, parsed |
//! | [`environment`] | the process environment |
//! | [`cli`] | the commands |
//! | [`wiring`] | which store, which options: the one place that knows all crates |
//! | [`serve`] | the server's life from start to SIGTERM |
//! | [`reload`] | how it follows its configuration on SIGHUP |
//! | `metrics`, `telemetry` | what operators see of it: Prometheus and OpenTelemetry |
//! | [`welcome`] | what it prints when it starts |

pub mod cli;
pub mod config;
pub mod environment;
mod logging;
mod metrics;
pub mod reload;
pub mod serve;
mod signals;
mod telemetry;
pub mod welcome;
pub mod wiring;

/// Runs the examples of `docs/embedding.md`. They stand here because this crate knows all the others.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Embedding;
