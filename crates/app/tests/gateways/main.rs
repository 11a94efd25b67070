//! Gateways as `docs/gateways/` configures them: the real nginx, Caddy, Traefik and Envoy, each between a client and an
//! upstream, and the request of APISIX as its document has it.

#![expect(clippy::unwrap_used, reason = "test support")]

mod assertion;
mod carried;
mod document;
mod forged;
mod gateway;
mod keymint;
mod raw;
mod real;
mod replayed;
mod retried;
mod untrusted;
mod upstream;
mod wsgi;
