//! Network addresses: from where a key may be used, and from where it is.

mod client;
mod network;
mod rules;

pub use client::{ClientAddress, parse_address};
pub use network::{InvalidNetwork, Network, Networks, TooManyNetworks};
pub use rules::{AddressRules, InvalidAddressRules};
