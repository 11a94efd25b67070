//! Gateways as `docs/gateways/` configures them: the real nginx and the real Caddy, each between a client and an upstream,
//! and the requests of Traefik, Envoy and APISIX as their documents have them.

#![expect(clippy::unwrap_used, reason = "test support")]

mod document;
mod gateway;
mod keymint;
#[path = "../support/package.rs"]
mod package;
mod real;
mod replayed;
mod retried;
mod upstream;
