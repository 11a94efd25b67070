//! Programs in other languages against a Keymint: clients that generators make of its document, and the recipes by which
//! applications guard their own routes.

#![expect(clippy::unwrap_used, reason = "test support")]

mod generated;
mod keymint;
mod line;
mod packages;
mod page;
mod recipes;
