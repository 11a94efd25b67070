//! API keys for an application's own routes: the guard [`RequireKey`], and the extractors [`Verified`] and [`Admitted`]. What
//! they decide and answer is `keymint-guard`'s, as for every other framework.
//!
//! A [`KeyCheck`] in the application's data verifies keys: with the [`Keys`](keymint_service::Keys) in the same
//! process, or with a remote Keymint (`Remote`, with the feature `remote`). A request is charged once, regardless of
//! the number of its guards and extractors.
//!
//! ```
//! use std::sync::Arc;
//!
//! use actix_web::{App, web};
//! use keymint_actix::guard::{KeyCheck, RequireKey, Verified};
//! use keymint_service::Keys;
//!
//! async fn report(Verified(key): Verified) -> String {
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

mod extractors;
mod require;

use actix_web::{HttpMessage as _, HttpRequest};

pub use extractors::{Admitted, Verified};
pub use keymint_guard::{
    Admission, DeniedRequest, KeyCheck, LimitFields, NotAdmitted, VerifiedKey, Verifier, VerifierError,
};
#[cfg(feature = "remote")]
pub use keymint_guard::{InvalidRemote, Remote, RemoteOptions};
pub use require::{Guarded, RequireKey};

use keymint_guard::Verification;

/// Returns the one verification of a request, which its extensions keep for all of its guards and extractors.
fn verification_of(request: &HttpRequest) -> Verification {
    let mut extensions = request.extensions_mut();
    if let Some(known) = extensions.get::<Verification>() {
        return known.clone();
    }
    let verification = Verification::default();
    extensions.insert(verification.clone());
    verification
}
