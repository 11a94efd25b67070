//! Forms: their fields, the problems beside them, and their seals.

mod fields;
mod problems;
mod seal;

pub(crate) use fields::Fields;
pub(crate) use problems::Problems;
pub(crate) use seal::{Seals, version};
