use std::num::NonZeroUsize;
use std::sync::Arc;

use keymint_domain::identity::{Password, PasswordHash};
use keymint_ports::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::scrypt;
use crate::ServiceError;

/// Hashes passwords off the threads that serve requests, a few at a time: each takes 32 MiB, and a core for a tenth of
/// a second.
pub(super) struct Hasher {
    /// Places for those who work and for those who wait.
    places: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

/// Those who may wait for each one that works.
const WAITING: usize = 64;

impl Hasher {
    pub(super) fn new(at_once: NonZeroUsize) -> Self {
        let at_once = at_once.get().min(Semaphore::MAX_PERMITS / (WAITING + 1));
        Self { places: Arc::new(Semaphore::new(at_once * (WAITING + 1))), at_once: Arc::new(Semaphore::new(at_once)) }
    }

    pub(super) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<PasswordHash, ServiceError> {
        let hashed = self.run(move || scrypt::hash(&password, salt)).await?;
        hashed.ok_or_else(|| StoreError::unavailable("a password could not be hashed").into())
    }

    pub(super) async fn matches(&self, password: Password, stored: PasswordHash) -> Result<bool, ServiceError> {
        self.run(move || scrypt::matches(&password, &stored)).await
    }

    /// The place is given back when the work is done, whether or not somebody still waits for it.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServiceError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ServiceError::Overloaded)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| ServiceError::Overloaded)?;
        let working = tokio::task::spawn_blocking(move || {
            let _held: [OwnedSemaphorePermit; 2] = [place, turn];
            work()
        });
        working.await.map_err(|error| StoreError::unavailable(error).into())
    }
}
