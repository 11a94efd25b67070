#![doc = include_str!("../README.md")]

mod cache;
mod doorkeeper;

pub use cache::{CAPACITY, RowCache};
