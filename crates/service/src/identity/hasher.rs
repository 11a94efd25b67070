use std::num::NonZeroUsize;

use keymint_domain::identity::{Password, PasswordHash};
use keymint_ports::StoreError;

use super::scrypt;
use crate::{ServiceError, Turns};

/// Hashes passwords on blocking threads, a few at the same time: each takes 32 MiB, and a core for a tenth of a second.
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

    /// Runs `work` on a blocking thread. It gives the turn back when the work is done, even if the caller stops
    /// waiting.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServiceError> {
        let turn = self.turns.take().await?;
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|error| StoreError::unavailable(error).into())
    }
}
