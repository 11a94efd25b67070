//! Sign-up, sign-in, sign-out and sessions (docs/better-auth-wire.md 5).

mod read;
pub(crate) mod shape;
mod view;

pub use read::{read_sign_in, read_sign_out, read_sign_up};
pub use view::{KeySessionView, SessionView, SignedInView, SignedUpView, UserView};
