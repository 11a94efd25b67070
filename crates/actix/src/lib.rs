//! Keymint over HTTP: Better Auth's wire on actix-web.
//!
//! | module | holds |
//! |---|---|
//! | [`endpoints`] | one endpoint a file: members, failures, description and handler; a table for each folder |
//! | `members` | the members of bodies and queries, each stated once, in the call that reads it |
//! | [`views`] | answers: keys, users, refusals, and how keys stand against their limits |
//! | `callers` | who asks: addresses, server keys, presented keys, gateways, sessions |
//! | `assertions` | signed statements for upstreams of gateways |
//! | [`origin`] | where requests come from: CSRF and CORS |
//! | [`pages`] | pages for people beside the API, with all that they share with it |
//! | [`openapi`] | the OpenAPI document, assembled from what endpoints state |
//! | [`guard`] | routes of your own behind API keys |
//! | `observe` | request ids, those who count, the log, traces and the metrics |
//! | `tls` | the server's certificate, with the feature `tls` |
//!
//! [`serve`] runs the whole; [`endpoints::configure`] mounts it in an application of your own. Modules use each other
//! without a cycle, which `tests/arrows.rs` checks.

mod api;
mod assertions;
mod callers;
mod connection;
mod deadline;
mod error;
mod extract;
mod live;
mod members;
mod observe;
mod process;
mod server;

pub mod endpoints;
mod front_page;
pub mod guard;
pub mod openapi;
pub mod origin;
pub mod pages;
#[cfg(feature = "tls")]
pub mod tls;
pub mod views;

pub use api::{Api, ApiOptions, PortalLinks};
pub use assertions::{AssertionOptions, Assertions};
pub use callers::session::{CookieSecret, InvalidSecret, Sessions};
pub use error::{ApiError, Denial};
pub use live::LiveApi;
pub use observe::{CompletedRequest, MetricsEndpoint, Render, Tracing, serve_metrics};
pub use server::{Listener, Running, ServeOptions, Stopper, serve};
