//! Routes behind API keys for tower and axum.
//!
//! The layer [`RequireKey`] admits requests with a valid key, and answers others itself. It works around any service of
//! `http::Request`. With the feature `axum`, handlers take the key as [`Verified`], or as [`Admitted`] behind a guard that fails
//! open. What they decide and answer is `keymint-guard`'s, as for every other framework.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn app(keys: std::sync::Arc<keymint_service::Keys>) -> axum::Router {
//! use axum::{Router, routing::get};
//! use keymint_tower::{KeyCheck, RequireKey, Requirement, Verified};
//!
//! async fn report(Verified(key): Verified) -> String {
//!     format!("{} calls are left to {}", key.remaining.map_or("any number of".to_owned(), |left| left.to_string()), key.owner)
//! }
//!
//! let check = KeyCheck::embedded(keys);
//! let reports = Requirement::permissions(&[("reports", &["read"])]).cost(5);
//! Router::new().route("/report", get(report).layer(RequireKey::new(&check, reports)))
//! # }
//! ```

#![deny(clippy::future_not_send)]

#[cfg(feature = "axum")]
mod extractors;
mod layer;
mod peer;

#[cfg(feature = "axum")]
pub use extractors::{Admitted, Rejection, Verified};
pub use keymint_guard::{
    Admission, DeniedRequest, KeyCheck, LimitFields, NotAdmitted, Requirement, VerifiedKey, Verifier, VerifierError,
};
#[cfg(feature = "remote")]
pub use keymint_guard::{InvalidRemote, Remote, RemoteOptions};
pub use layer::{Guarded, RequireKey};
pub use peer::Peer;

use http::Extensions;
use keymint_guard::Verification;

/// Returns the one verification of a request, which its extensions keep for all of its guards and extractors.
fn verification_of(extensions: &mut Extensions) -> Verification {
    extensions.get_or_insert_default::<Verification>().clone()
}
