//! The cases of endpoints, their leases and their deliveries.

#![expect(missing_docs, reason = "a case's name is its sentence")]

pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod leases;
mod support;
