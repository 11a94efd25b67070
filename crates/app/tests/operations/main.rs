//! What `docs/operations` and `deploy` hand to operators, read by the programs that will read it there.

#![expect(clippy::unwrap_used, reason = "test support")]

mod alerts;
mod container;
mod documents;
mod metrics;
mod process;
mod runbook;
mod unit;
