//! The keys that commands work on: those of a database, or those of a server elsewhere.
//!
//! A command is stated once, over [`KeyBackend`]. Both backends take the same parsed requests, and answer in the words of
//! the wire, so that the output is the same, too.

mod embedded;
mod remote;

use async_trait::async_trait;
use keymint_domain::KeyId;
use keymint_service::{ChangeRotation, CreateKey, ListKeys, RotateKey, UpdateKey, VerifyKey};
use serde_json::value::RawValue;

use crate::cli::CliResult;

pub(in crate::cli) use embedded::Embedded;
pub(in crate::cli) use remote::Remote;

/// An answer in the words of the wire: its JSON text.
pub(super) type Answer = Box<RawValue>;

/// The use cases of keys, as a server sees them.
///
/// # Errors
///
/// A method returns [`Refused`](crate::cli::Refused) if Keymint answers no, and another error if it could not be asked.
#[async_trait(?Send)]
pub(in crate::cli) trait KeyBackend {
    async fn create(&self, request: CreateKey) -> CliResult<Answer>;
    async fn list(&self, request: ListKeys) -> CliResult<Answer>;
    async fn get(&self, id: &KeyId) -> CliResult<Answer>;
    /// Verifies a key. A verdict is an answer, whatever it is.
    async fn verify(&self, request: VerifyKey) -> CliResult<Answer>;
    /// Returns the result of every rule, and counts nothing.
    async fn dry_run(&self, request: VerifyKey) -> CliResult<Answer>;
    async fn update(&self, request: UpdateKey) -> CliResult<Answer>;
    async fn rotate(&self, request: RotateKey) -> CliResult<Answer>;
    async fn end_rotation(&self, id: &KeyId, change: ChangeRotation) -> CliResult<Answer>;
    async fn revoke(&self, id: &KeyId) -> CliResult<Answer>;
    async fn delete(&self, id: &KeyId) -> CliResult<Answer>;
    async fn restore(&self, id: &KeyId) -> CliResult<Answer>;
}
