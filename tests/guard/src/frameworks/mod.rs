//! The frameworks whose guards are tested. Each serves these routes:
//!
//! | Route | Guard | Handler |
//! |---|---|---|
//! | `/bare` | none | tells of the verified key |
//! | `/report` | reports may be read, cost 5 | the same |
//! | `/report/gone` | the same | answers 404 |
//! | `/report/own` | the same | has a `RateLimit` field of its own |
//! | `/write` | reports may be read and written | tells of the verified key |
//! | `/other` | of the configuration `other` | the same |
//! | `/in/report`, `/in/write`, `/in/other` | any key at cost 2, and within it the guard of the route above at cost 3 | the same |
//! | `/open` | two that fail open | tells if a key was verified |
//! | `/closed` | fails open | tells of the verified key |
//! | `/page` | passes preflights | `OPTIONS` answers 204, anything else `in` |
//! | `/upload` | any key | tells how many bytes of a body it read |

mod actix;
mod axum;

use std::net::TcpListener;

use keymint_guard::{KeyCheck, VerifiedKey};
use serde_json::{Value, json};

pub use actix::Actix;
pub use axum::Axum;

/// A framework whose guard is tested.
pub trait Framework {
    /// Serves the routes with keys that `check` verifies, until the test ends.
    fn serve(listener: TcpListener, check: KeyCheck);

    /// Serves `/bare` without any check, until the test ends.
    fn serve_without_check(listener: TcpListener);
}

/// The permissions that `/report` asks for.
const READ: &[(&str, &[&str])] = &[("reports", &["read"])];
/// The permissions that `/write` asks for.
const WRITE: &[(&str, &[&str])] = &[("reports", &["read", "write"])];
/// The field that `/report/own` sends.
const OWN: (&str, &str) = ("ratelimit", "\"own\";r=1");

/// Returns what a handler tells of a key.
fn told(key: &VerifiedKey) -> String {
    let rate =
        key.rate_limit().map(|rate| json!({ "max": rate.max, "window": rate.window_ms, "left": rate.remaining }));
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    json!({
        "id": key.id.as_str(),
        "config": key.config_id.as_str(),
        "name": key.name,
        "owner": key.owner.as_str(),
        "permissions": key.permissions.as_ref().map(|permissions| json(permissions.as_json())),
        "metadata": key.metadata.as_ref().map(|metadata| json(metadata.as_json())),
        "remaining": key.remaining,
        "rate": rate,
        "formerSecretEndsAt": key.former_secret_ends_at.map(|at| at.to_string()),
    })
    .to_string()
}
