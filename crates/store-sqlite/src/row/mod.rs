//! Rows: what lies in them, and the keys that they stand for.

mod cell;
mod key;
mod reader;

pub(crate) use cell::{Cell, Row};
pub(crate) use key::{bind_key, integer, optional_integer, optional_text, read_key};
pub(crate) use reader::Reader;
