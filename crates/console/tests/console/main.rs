//! Every page through a real socket, over the memory store with a clock that stands still.

#![expect(clippy::unwrap_used, reason = "test support")]

mod assets;
mod create;
mod entrance;
mod failures;
mod key;
mod list;
mod support;
