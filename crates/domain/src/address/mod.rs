//! Network addresses: the networks that a key may be used from, and the address that it is used from.

mod client;
mod network;
mod rules;

pub use client::{ClientAddress, parse_address};
pub use network::{InvalidNetwork, Network, Networks, TooManyNetworks};
pub use rules::{AddressRules, InvalidAddressRules};
