//! Routes behind API keys, whatever the HTTP framework.
//!
//! | module | holds |
//! |---|---|
//! | `headers` | the headers of a request, in the map of its framework |
//! | `presented_key` | where a request shows its key, and the challenge to one that shows none |
//! | [`address`] | the address of the client, behind proxies too |
//! | `requirement`, `key_check` | what a route requires of a key, and how an application verifies keys |
//! | `verifier`, `embedded`, `remote` | who verifies: the service in the process, or a remote Keymint |
//! | `admission` | the one verification of a request |
//! | `sunset` | the header with the end of a former secret |
//! | `not_admitted`, `denied` | why a request does not pass, and the answer to it |
//! | [`limits`] | the fields with the state of a key's limits: written and read here alone |
//!
//! `keymint-actix` and `keymint-tower` adapt it. An adapter for another framework implements [`Headers`] for its map, keeps a
//! [`Verification`] with each request, and calls [`Verification::admit`] before the handler.

#![deny(clippy::future_not_send)]

mod admission;
mod denied;
mod embedded;
mod headers;
mod key_check;
mod not_admitted;
mod presented_key;
#[cfg(feature = "remote")]
mod remote;
mod requirement;
mod sunset;
mod verified_key;
mod verifier;

pub mod address;
pub mod limits;

pub use admission::{Admission, Verification};
pub use denied::DeniedRequest;
pub use headers::{Headers, is_preflight};
pub use key_check::KeyCheck;
pub use limits::LimitFields;
pub use not_admitted::{NotAdmitted, retry_after};
pub use presented_key::{Schemes, headers_of_key, one_key};
#[cfg(feature = "remote")]
pub use remote::{InvalidRemote, Remote, RemoteOptions};
pub use requirement::Requirement;
pub use sunset::{SUNSET, sunset};
pub use verified_key::VerifiedKey;
pub use verifier::{Verifier, VerifierError};
