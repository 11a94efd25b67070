use std::num::NonZeroUsize;

use keymint_domain::identity::{Password, PasswordHash};
use keymint_ports::StoreError;

use super::scrypt;
use crate::{ServiceError, Turns};

/// Hashes passwords off the threads that serve requests, a few at a time: each takes 32 MiB, and a core for a tenth of
/// a second.
pub(super) struct Hasher {
    turns: Turns,
}

impl Hasher {
    pub(super) fn new(at_once: NonZeroUsize) -> Self {
        Self { turns: Turns::new(at_once) }
    }

    pub(super) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<PasswordHash, ServiceError> {
        let hashed = self.run(move || scrypt::hash(&password, salt)).await?;
        hashed.ok_or_else(|| StoreError::unavailable("a password could not be hashed").into())
    }

    pub(super) async fn matches(&self, password: Password, stored: PasswordHash) -> Result<bool, ServiceError> {
        self.run(move || scrypt::matches(&password, &stored)).await
    }

    /// The turn is given back when the work is done, whether or not somebody still waits for it.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServiceError> {
        let turn = self.turns.take().await?;
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|error| StoreError::unavailable(error).into())
    }
}
