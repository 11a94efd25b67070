use std::fmt;

use async_trait::async_trait;

/// Fetches the public keys by which GitHub signs its reports of leaked secrets, and verifies signatures by them.
///
/// # Contract
///
/// * A fetch ends within [`FETCH_DEADLINE_MS`], whatever the peer does, and takes a bounded amount of memory.
/// * A fetch that names a tag asks for keys only if they have changed since.
/// * An answer without a usable key is a failure, and never an empty set.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait GithubKeys: Send + Sync + 'static {
    /// Fetches the keys. `known` is the tag of those that the caller has.
    ///
    /// # Errors
    ///
    /// Returns [`FetchFailure`] if there is no usable answer.
    async fn fetch(&self, known: Option<Box<str>>) -> Result<FetchedKeys, FetchFailure>;

    /// Returns true if `signature` is GitHub's signature over `message` by `key`: ECDSA on P-256 with SHA-256, in
    /// ASN.1.
    fn verify(&self, key: &GithubKey, message: &[u8], signature: &[u8]) -> bool;
}

/// The longest time that a fetch of keys takes, in milliseconds.
pub const FETCH_DEADLINE_MS: u64 = 5_000;

/// A public key of GitHub's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubKey {
    /// The identifier by which a report names the key.
    pub id: Box<str>,
    /// The point on the curve, uncompressed: 65 bytes.
    pub point: Box<[u8]>,
}

/// The answer to a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedKeys {
    /// The keys are those of the tag that the caller named.
    Unchanged,
    /// All keys that count from now on.
    All {
        /// The keys; at least one.
        keys: Vec<GithubKey>,
        /// The tag by which a later fetch asks for changes alone.
        tag: Option<Box<str>>,
    },
}

/// The reason why a fetch had no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// Nobody accepted a connection, or it broke off.
    #[error("no connection")]
    NoConnection,
    /// There was no answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The answer had another status than 200 and 304.
    #[error("the answer has status {0}")]
    Status(u16),
    /// The answer holds no usable key, or is too long.
    #[error("the answer holds no public keys")]
    Unusable,
}

impl fmt::Display for GithubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}
