//! Keymint over HTTP: Better Auth's wire on actix-web.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | one endpoint a file, and the table of all of them |
//! | [`wire`] | what goes over the wire, in and out |
//! | [`validate`] | the checks of a body or a query, in zod's words |
//! | [`request`] | what every request passes: caller, body, request id, time limit, log |
//! | [`session`] | users by their cookies and bearer tokens |
//! | [`authorize`] | what gateways ask and are told |
//! | [`origin`] | where requests come from: CSRF and CORS |
//! | [`guard`] | routes of your own behind API keys |
//! | [`openapi`] | the OpenAPI document, described area by area |
//! | `tls` | the server's certificate, with the feature `tls` |
//!
//! [`serve`] runs the whole; [`routes::configure`] mounts it in an application of your own.

mod api;
mod connection;
mod error;
mod exposition;
mod live;
mod process;
mod seldom;
mod server;
mod status;

pub mod authorize;
pub mod guard;
pub mod openapi;
pub mod origin;
pub mod request;
pub mod routes;
pub mod session;
#[cfg(feature = "tls")]
pub mod tls;
pub mod validate;
pub mod wire;

pub use api::{Api, ApiOptions};
pub use error::ApiError;
pub use exposition::{Exposition, Render, serve_metrics};
pub use live::LiveApi;
pub use request::{Answered, Tracing};
pub use server::{Running, ServeOptions, Stopper, serve};
