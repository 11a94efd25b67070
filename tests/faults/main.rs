//! Faults of the machine under load, on real engines: the answers compared to the stored state afterwards.
//!
//! In every scenario callers use keys with quotas, while the test breaks something and lets it recover. Each use that
//! was answered as valid must be stored, and nothing else but uses whose answers were lost.

#![expect(clippy::unwrap_used, reason = "test support")]

mod clocks;
mod cluster;
mod disks;
mod failover;
mod floods;
mod killed;
mod load;
mod locked;
mod readers;
mod ready;
mod recorded;
mod rotations;
mod silent;
#[expect(dead_code, reason = "shared with the tests end to end")]
#[path = "../end_to_end/stored_events.rs"]
mod stored_events;
