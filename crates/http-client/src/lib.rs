#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod address;
mod client;
mod connector;
mod error;
mod tls;

pub use address::parse_base;
pub use client::{Answer, Builder, HttpClient};
pub use connector::Resolve;
pub use error::CallError;
pub use hyper::body::Bytes;
pub use rustls::pki_types;
pub use tls::{Trust, TrustError};
pub use url::Url;
