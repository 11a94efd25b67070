//! Instants, numbers, badges and charts, as people read them.

mod badge;
mod chart;
mod code;
mod number;
mod when;

pub(crate) use badge::{Badge, state_word};
pub(crate) use chart::{Chart, Spark};
pub(crate) use code::Code;
pub(crate) use number::{count, duration, plural};
pub(crate) use when::When;
