//! Keymint over HTTP: Better Auth's `/api-key/*` wire on actix-web.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | one endpoint a file, and the table of all of them |
//! | [`wire`] | what goes over the wire, in and out |
//! | [`validate`] | the checks of a body or a query, in zod's words |
//! | [`request`] | what every request passes: caller, body, request id, time limit, log |
//!
//! [`serve`] runs the whole; [`routes::configure`] mounts it in an application of your own.

mod api;
mod error;
mod server;

pub mod request;
pub mod routes;
pub mod validate;
pub mod wire;

pub use api::{Api, ApiOptions};
pub use error::ApiError;
pub use server::{Running, ServeOptions, Stopper, serve};
