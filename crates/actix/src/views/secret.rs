//! The role of the secret by which a key was presented.

use actix_web::http::header::HeaderMap;
use keymint_domain::Timestamp;
use keymint_guard::sunset;

use super::limits::put;

pub(crate) use keymint_guard::SUNSET;

/// The role of a secret that a rotation has replaced.
pub(crate) const FORMER: &str = "former";

/// Adds the instant at which the presented secret ends, if it is a former one.
pub(crate) fn show_sunset(headers: &mut HeaderMap, former_ends_at: Option<Timestamp>) {
    if let Some(date) = former_ends_at.and_then(sunset) {
        put(headers, SUNSET, date);
    }
}
