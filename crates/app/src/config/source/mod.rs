//! The source of the configuration: one tree of values, each with its place, before they are interpreted.

mod file;
mod given;
mod node;
mod strangers;
mod value_problem;
mod variables;

pub(super) use file::parse;
pub(crate) use given::read_setting_file;
pub(super) use given::{Given, given};
pub(super) use node::{Node, Table};
pub(super) use strangers::{SERVER_KEY, strangers};
pub(super) use value_problem::{ValueProblems, each};
pub(super) use variables::apply;
