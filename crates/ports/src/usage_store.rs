use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::KeyId;
use keymint_domain::Timestamp;
use keymint_domain::metering::{
    Activity, Hour, JournalPart, KeySums, Sum, UnknownHour, UsageFlush, UsageSelection, Window,
};

use crate::StoreError;

/// Stores the statistics of uses, per key and hour.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore): atomic, visible to every handle and process, bounded in time, values exact, no
/// panic. One thing is weaker: a power cut may undo the last calls of [`UsageStore::add_usage`] and of those about
/// journals, though never a part of one. Any later change of the same store that is durable makes them durable too.
///
/// The uses of many keys are gathered in memory before they are added. A journal keeps them from a crash meanwhile: it is
/// written in parts, read by nobody but who takes it over from a process that has gone, and removed once all of it was
/// added. Neither sums nor last uses have what is in a journal alone.
///
/// Usage outlives its key, with the key's owner and configuration: it is what an invoice is made from.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and [`StoreError::Corrupt`] for a row that it
/// cannot read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UsageStore: Send + Sync + 'static {
    /// Adds what a process has counted to what is stored, and the keys' last uses if they are later than the stored
    /// ones. Returns false, and adds nothing, if a flush with the same or a larger number of the same process was added
    /// before.
    ///
    /// Of any number of writers none overwrites what another has added. The entries of a flush are ordered as
    /// [`Taken::into_parts`](keymint_domain::metering::Taken::into_parts) orders them.
    async fn add_usage(&self, flush: &UsageFlush) -> Result<bool, StoreError>;

    /// Keeps a part of a journal. Returns false, and keeps nothing, if the journal was closed before: a portion was added
    /// as [`process_of_journal`](keymint_domain::metering::process_of_journal), or somebody has taken it over. A part that was
    /// kept before is not kept again, and counts as kept.
    async fn write_usage_journal(&self, part: &JournalPart) -> Result<bool, StoreError>;

    /// Closes a journal that has parts, for whoever then adds what is in it, if nothing was written to it, added from it or
    /// taken over of it since an instant. Returns its name; `None` = there is none.
    ///
    /// The process that wrote it may live on, and several may take over one journal: all of them add the same portions.
    async fn take_over_usage_journal(
        &self,
        untouched_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError>;

    /// Reads the first part of a journal behind one with this number; `None` = there is none.
    async fn read_usage_journal(&self, journal: &str, after: u64) -> Result<Option<JournalPart>, StoreError>;

    /// Removes the first parts of a journal, at most `limit`. Returns their number; 0 = none is left. That its parts were
    /// kept and its portions were added stays known.
    async fn remove_usage_journal(&self, journal: &str, limit: NonZeroU32) -> Result<u32, StoreError>;

    /// Sums up the usage of all selected keys by step and outcome, in this order. Steps without calls are left out.
    ///
    /// Hours that were rolled up count at the first hour of their day.
    async fn sum_usage(&self, selection: &UsageSelection, window: &Window) -> Result<Vec<Sum>, StoreError>;

    /// Sums up the usage of each selected key, of at most `limit` of those behind the key `after`, in an order of the
    /// store's own. Keys without calls in the window are listed, too: a page is the last one if it is shorter than
    /// `limit`.
    async fn sum_usage_by_key(
        &self,
        selection: &UsageSelection,
        window: &Window,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<KeySums>, StoreError>;

    /// Sums up the accepted and refused calls of each of these keys by step and outcome, for a list of at most a thousand.
    /// Keys without calls in the window are left out. The order is the store's own.
    async fn sum_usage_of(&self, keys: &[KeyId], window: &Window) -> Result<Vec<KeySums>, StoreError>;

    /// Sums up the attempts with unknown keys by step and source, ordered by step.
    async fn sum_unknown_usage(&self, window: &Window) -> Result<Vec<UnknownHour>, StoreError>;

    /// Finds what is known about these keys. Keys that were never used are left out.
    async fn find_activities(&self, keys: &[KeyId]) -> Result<Vec<Activity>, StoreError>;

    /// Rolls up hours to days, by [`roll_up`](keymint_domain::metering::roll_up): at most `limit` stored counts of keys
    /// and as many of unknown keys, the oldest first, of whole days before the day that `before` is in.
    ///
    /// Returns the number of counts that were rolled up; 0 = none is left.
    async fn roll_up_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError>;

    /// Removes days before the one that `before` is in: at most `limit` stored counts of keys and as many of unknown
    /// keys, the oldest first. What is known about a key goes with its last count, unless the key exists.
    ///
    /// Returns the number of counts that were removed; 0 = none is left. Hours are not removed before they are rolled
    /// up.
    async fn remove_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError>;
}
