//! API keys for an application's own routes: the guard [`RequireKey`], and the extractors [`VerifiedKey`] and
//! [`Admission`].
//!
//! A [`KeyCheck`] in the application's data verifies keys: with the [`Keys`](keymint_service::Keys) in the same
//! process, or with a remote Keymint (`Remote`, with the feature `remote`). A request is charged once, regardless of
//! the number of its guards and extractors.
//!
//! ```
//! use std::sync::Arc;
//!
//! use actix_web::{App, web};
//! use keymint_actix::guard::{KeyCheck, RequireKey, VerifiedKey};
//! use keymint_service::Keys;
//!
//! async fn report(key: VerifiedKey) -> String {
//!     format!("{} calls are left to {}", key.remaining.map_or("any number of".to_owned(), |left| left.to_string()), key.owner)
//! }
//!
//! fn app(keys: Arc<Keys>) -> App<impl actix_web::dev::ServiceFactory<
//!     actix_web::dev::ServiceRequest, Config = (), Error = actix_web::Error, InitError = (),
//! >> {
//!     App::new().app_data(KeyCheck::embedded(keys)).service(
//!         web::resource("/report").wrap(RequireKey::permissions(&[("reports", &["read"])]).cost(5)).to(report),
//!     )
//! }
//! ```

mod admission;
mod embedded;
mod key_check;
mod presented_key;
#[cfg(feature = "remote")]
mod remote;
mod require;
mod verified_key;
mod verifier;

pub use admission::Admission;
pub use key_check::KeyCheck;
#[cfg(feature = "remote")]
pub use remote::{InvalidRemote, Remote, RemoteOptions};
pub use require::{Guarded, RequireKey};
pub use verified_key::{RateLimitLeft, VerifiedKey};
pub use verifier::Verifier;

pub use crate::error::VerifierError;
