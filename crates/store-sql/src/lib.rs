#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

#[macro_use]
mod columns;
mod connection;
mod dialect;
pub mod events;
pub mod identity;
pub mod keys;
mod layout;
pub mod organization;
mod row;
mod row_cache;
pub mod server_keys;
mod statement;
pub mod survey;
pub mod usage;
pub mod webhooks;
mod widths;

pub use columns::{COLUMNS, FLAG_COLUMNS, INSTANT_COLUMNS, TEXT_COLUMNS};
pub use connection::{ReadConnection, StatementError, TakeRow, WriteConnection, end};
pub use dialect::{Dialect, KeyOrder};
pub use layout::{Layout, OwnerColumns, describe_missing_columns, missing_columns};
pub use row::{Cell, Row, RowReader, read_key, read_owner};
pub use row_cache::RowCache;
pub use statement::{Statement, Value};
pub use widths::{NUMBER_COLUMNS, Widths, integer, optional_integer};
