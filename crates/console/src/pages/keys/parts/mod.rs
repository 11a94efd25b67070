//! The parts that the forms of a new key and of an existing one share: for each its fields and how they are read.

pub(super) mod expiry;
mod limits;
mod metadata;
mod name;
mod networks;
mod permissions;
mod refused;
mod values;

pub(super) use limits::Limits;
pub(super) use metadata::read_metadata;
pub(super) use name::read_name;
pub(super) use networks::networks;
pub(super) use permissions::{Picker, ResourceChoice, picked, words};
pub(super) use refused::explain;
pub(super) use values::Values;
