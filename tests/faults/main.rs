//! Faults of the machine under load, on real engines: what was answered compared to what is stored afterwards.
//!
//! Every scenario lets callers use keys with quotas, breaks something, and lets it recover. Each use that was answered as
//! valid must be stored, and nothing else but the uses whose answers nobody has got.

#![expect(clippy::unwrap_used, reason = "test support")]

mod clocks;
mod cluster;
mod disks;
mod floods;
mod killed;
mod load;
mod locked;
#[expect(dead_code, reason = "shared with the tests end to end")]
#[path = "../end_to_end/process.rs"]
mod process;
mod readers;
mod ready;
mod silent;
