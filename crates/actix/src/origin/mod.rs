//! Origins of requests: CSRF protection and CORS (docs/better-auth-wire.md 3).

mod check;
mod cors;
mod relative;
mod trusted;

pub(crate) use check::{check_callbacks, check_form, check_origin};
pub(crate) use cors::cors;
pub use trusted::{InvalidTrustedOrigin, TrustedOrigin, TrustedOrigins};
