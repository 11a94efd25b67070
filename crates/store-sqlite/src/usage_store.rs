use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::metering::{
    Activity, Hour, JournalPart, KeySums, Sum, UnknownHour, UsageFlush, UsageSelection, Window,
};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{StoreError, UsageStore};
use keymint_store_sql::usage;

use crate::SqliteStore;

#[async_trait]
impl UsageStore for SqliteStore {
    async fn add_usage(&self, flush: &UsageFlush) -> Result<bool, StoreError> {
        let flush = flush.clone();
        self.writer.write_relaxed(async move |writer| usage::add(writer, &flush).await).await
    }

    async fn write_usage_journal(&self, part: &JournalPart) -> Result<bool, StoreError> {
        let part = part.clone();
        self.writer.write_relaxed(async move |writer| usage::write_journal(writer, &part).await).await
    }

    async fn take_over_usage_journal(
        &self,
        untouched_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        self.writer.write(async move |writer| usage::take_over_journal(writer, untouched_since, now).await).await
    }

    async fn read_usage_journal(&self, journal: &str, after: u64) -> Result<Option<JournalPart>, StoreError> {
        read!(self, usage::read_journal, journal, after)
    }

    async fn remove_usage_journal(&self, journal: &str, limit: NonZeroU32) -> Result<u32, StoreError> {
        let journal = journal.to_owned();
        self.writer.write_relaxed(async move |writer| usage::remove_journal(writer, &journal, limit).await).await
    }

    async fn sum_usage(&self, selection: &UsageSelection, window: &Window) -> Result<Vec<Sum>, StoreError> {
        read!(self, usage::sum, selection, window)
    }

    async fn sum_usage_by_key(
        &self,
        selection: &UsageSelection,
        window: &Window,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<KeySums>, StoreError> {
        read!(self, usage::sum_by_key, selection, window, after.as_ref(), limit)
    }

    async fn sum_usage_of(&self, keys: &[KeyId], window: &Window) -> Result<Vec<KeySums>, StoreError> {
        read!(self, usage::sum_of, keys, window)
    }

    async fn sum_unknown_usage(&self, window: &Window) -> Result<Vec<UnknownHour>, StoreError> {
        read!(self, usage::sum_unknown, window)
    }

    async fn find_activities(&self, keys: &[KeyId]) -> Result<Vec<Activity>, StoreError> {
        read!(self, usage::find_activities, keys)
    }

    async fn roll_up_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.writer.write(async move |writer| usage::roll_up(writer, before, limit).await).await
    }

    async fn remove_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.writer.write(async move |writer| usage::remove(writer, before, limit).await).await
    }
}
