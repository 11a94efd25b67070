//! The files in `docs/operations` and `deploy`, read by the programs that operators read them with.

#![expect(clippy::unwrap_used, reason = "test support")]

mod alerts;
mod container;
mod documents;
mod metrics;
mod process;
mod release;
mod runbook;
mod unit;
