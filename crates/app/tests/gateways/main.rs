//! Gateways as configured in `docs/gateways/`: the real nginx, Caddy, Traefik and Envoy, each between a client and an
//! upstream, and the request of APISIX as in its document.

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
