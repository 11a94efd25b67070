//! Where a request comes from, so that no stranger's page acts for its visitors (docs/better-auth-wire.md 3).

mod check;
mod cors;
mod relative;
mod trusted;

pub(crate) use check::{check_callbacks, check_form, check_origin};
pub(crate) use cors::cors;
pub use trusted::{InvalidTrustedOrigin, TrustedOrigin, TrustedOrigins};
