#![doc = include_str!("../README.md")]

mod cache;
mod doorkeeper;
mod hit_rate;

pub use cache::RowCache;
