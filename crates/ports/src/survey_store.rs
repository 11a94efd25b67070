use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::anomaly::{HourCounts, KnownNetworks};
use keymint_domain::metering::{Hour, LastUse};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::verify::Owner;
use keymint_domain::{ApiKey, KeyId, OwnerId, Timestamp};

use crate::StoreError;

/// A portion of keys to be read together with their owners and uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyQuery {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of these configurations.
    pub configurations: ConfigFilter,
    /// The first hour of the uses that are summed up.
    pub uses_since: Hour,
    /// The key that the portion begins behind; `None` = at the first key.
    pub after: Option<KeyId>,
    /// The largest number of keys.
    pub limit: NonZeroU32,
}

/// A key with its owner and its recorded uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedKey {
    /// The key.
    pub key: ApiKey,
    /// The state of its owner.
    pub owner: Owner,
    /// The last recorded use that was accepted.
    pub last_use: Option<LastUse>,
    /// The accepted calls of the hours that were asked for.
    pub accepted: u64,
    /// The refused calls of the same hours.
    pub refused: u64,
}

/// A portion of surveyed keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyPortion {
    /// The keys, in an order of the store's own.
    pub keys: Vec<SurveyedKey>,
    /// The number of rows that cannot be read.
    pub unreadable: u32,
    /// The key behind which the next portion begins; `None` = this is the last one.
    pub next: Option<KeyId>,
}

/// A key that was called in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusyKey {
    /// The key.
    pub id: KeyId,
    /// Its calls in the hour.
    pub calls: HourCounts,
    /// Its calls in the same hour a week before.
    pub week_before: HourCounts,
}

/// Reads keys together with what else is known about them, for those who look after keys, and remembers the networks that
/// keys were used from.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore). No lock or transaction is held between portions. As for
/// [`UsageStore`](crate::UsageStore), a power cut may undo the last networks that were remembered.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SurveyStore: Send + Sync + 'static {
    /// Reads a portion of keys. All of it is of one instant.
    ///
    /// A key that exists from the first portion to the last is read once, whatever is added or removed meanwhile. Days
    /// that were rolled up count at their first hour.
    async fn survey(&self, query: &SurveyQuery) -> Result<SurveyPortion, StoreError>;

    /// Returns the earliest hour of which uses of keys are recorded; `None` = none are.
    async fn recorded_since(&self) -> Result<Option<Hour>, StoreError>;

    /// Returns those of these keys whose leak was reported and is still recorded, each once, with the instant of the last
    /// report.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Corrupt`] for a row that it cannot read.
    async fn leaks_of(&self, keys: &[KeyId]) -> Result<Vec<(KeyId, Timestamp)>, StoreError>;

    /// Finds keys that were called `least` times or more in an hour, accepted and refused calls together, with their
    /// calls in that hour and in the same one a week before: at most `limit` of those behind the key `after`, in an
    /// order of the store's own. A page is the last one if it is shorter than `limit`.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Corrupt`] for a row that it cannot read.
    async fn busy_keys(
        &self,
        hour: Hour,
        least: u64,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<BusyKey>, StoreError>;

    /// Returns the networks that a key was used from, as far as they are remembered.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Corrupt`] for a row that it cannot read.
    async fn known_networks(&self, key: &KeyId) -> Result<KnownNetworks, StoreError>;

    /// Remembers a use of a key from a network: adds the network, or moves its last use forward.
    ///
    /// If there are more than [`KnownNetworks::MOST`], the ones that were not used for the longest time are forgotten.
    async fn note_network(&self, key: &KeyId, network: &str, at: Timestamp) -> Result<(), StoreError>;

    /// Forgets networks that were last used before an instant, at most `limit` of them. Returns their number.
    async fn forget_networks(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError>;
}
