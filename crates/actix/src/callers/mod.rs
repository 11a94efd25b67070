//! Callers: client addresses, server keys, presented API keys, gateways, and users by their sessions.

mod address;
mod client;
mod gateway;
mod headers;
mod presented_key;
mod server_key;
pub(crate) mod session;

pub(crate) use address::{client_address, forwarded_address, is_trusted_peer, peer, proven_address};
pub(crate) use client::is_client;
pub(crate) use gateway::Asker;
pub(crate) use headers::{ActixHeaders, cookie};
pub(crate) use presented_key::{presented_key, presenting_headers};
pub(crate) use server_key::{bearer_token, is_server};
