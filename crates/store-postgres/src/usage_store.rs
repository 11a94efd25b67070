use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::metering::{
    Activity, Hour, JournalPart, KeySums, Sum, UnknownHour, UsageFlush, UsageSelection, Window,
};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{StoreError, UsageStore};
use keymint_store_sql::usage;

use crate::PgStore;

#[async_trait]
impl UsageStore for PgStore {
    async fn add_usage(&self, flush: &UsageFlush) -> Result<bool, StoreError> {
        call!(self.pool, usage::add, flush)
    }

    async fn write_usage_journal(&self, part: &JournalPart) -> Result<bool, StoreError> {
        call!(self.pool, usage::write_journal, part)
    }

    async fn take_over_usage_journal(
        &self,
        untouched_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        call!(self.pool, usage::take_over_journal, untouched_since, now)
    }

    async fn read_usage_journal(&self, journal: &str, after: u64) -> Result<Option<JournalPart>, StoreError> {
        call!(self.pool, usage::read_journal, journal, after)
    }

    async fn remove_usage_journal(&self, journal: &str, limit: NonZeroU32) -> Result<u32, StoreError> {
        call!(self.pool, usage::remove_journal, journal, limit)
    }

    async fn sum_usage(&self, selection: &UsageSelection, window: &Window) -> Result<Vec<Sum>, StoreError> {
        call!(self.pool, usage::sum, selection, window)
    }

    async fn sum_usage_by_key(
        &self,
        selection: &UsageSelection,
        window: &Window,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<KeySums>, StoreError> {
        call!(self.pool, usage::sum_by_key, selection, window, after.as_ref(), limit)
    }

    async fn sum_usage_of(&self, keys: &[KeyId], window: &Window) -> Result<Vec<KeySums>, StoreError> {
        call!(self.pool, usage::sum_of, keys, window)
    }

    async fn sum_unknown_usage(&self, window: &Window) -> Result<Vec<UnknownHour>, StoreError> {
        call!(self.pool, usage::sum_unknown, window)
    }

    async fn find_activities(&self, keys: &[KeyId]) -> Result<Vec<Activity>, StoreError> {
        call!(self.pool, usage::find_activities, keys)
    }

    async fn roll_up_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        call!(self.pool, usage::roll_up, before, limit)
    }

    async fn remove_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        call!(self.pool, usage::remove, before, limit)
    }
}
