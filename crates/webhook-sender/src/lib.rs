#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod lookup;
mod sender;

pub use lookup::{Lookup, SystemLookup};
pub use sender::{HttpSender, SenderError};
