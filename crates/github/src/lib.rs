#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod client;
mod keys;

pub use client::{ClientError, HttpGithubKeys};
