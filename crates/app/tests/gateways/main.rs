//! Gateways as configured in `docs/gateways/`: the real nginx, Caddy, Traefik, Envoy, HAProxy and Apache, each between a
//! client and an upstream, and the request of APISIX as in its document.

#![expect(clippy::unwrap_used, reason = "test support")]

/// Makes a test of a case for each gateway. The differences between gateways are their `abilities`.
macro_rules! behind_every_gateway {
    ($($case:ident),*) => { $(
        mod $case {
            use crate::gateway::Kind;

            #[tokio::test]
            async fn nginx() {
                super::$case(Kind::Nginx).await;
            }

            #[tokio::test]
            async fn caddy() {
                super::$case(Kind::Caddy).await;
            }

            #[tokio::test]
            async fn traefik() {
                super::$case(Kind::Traefik).await;
            }

            #[tokio::test]
            async fn envoy() {
                super::$case(Kind::Envoy).await;
            }

            #[tokio::test]
            async fn haproxy() {
                super::$case(Kind::Haproxy).await;
            }

            #[tokio::test]
            async fn apache() {
                super::$case(Kind::Apache).await;
            }
        }
    )* };
}

mod assertion;
mod carried;
mod document;
mod forged;
mod gateway;
mod homes;
mod introspecting;
mod keymint;
mod raw;
mod real;
mod replayed;
mod retried;
mod unanswered;
mod untrusted;
mod upstream;
mod wsgi;
