use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::anomaly::HourCounts;
use keymint_domain::metering::{
    Activity, Hour, JournalPart, KeySums, LastUse, Span, StoredUsage, Sum, UnknownHour, UnknownSource, UsageFlush,
    UsageSelection, UsedKey, Window, process_of_journal, roll_up,
};
use keymint_domain::{KeyId, Timestamp, UserId};
use keymint_ports::{BusyKey, StoreError, UsageStore};

use crate::MemoryStore;

/// The statistics of uses.
#[derive(Default)]
pub(crate) struct UsageState {
    /// The number and the instant of the last flush of each process, and of the last part of each journal.
    flushes: HashMap<Box<str>, (u64, Timestamp)>,
    /// The parts of journals, by their numbers.
    journals: BTreeMap<Box<str>, BTreeMap<u64, JournalPart>>,
    /// By the span and the hour first, as they are rolled up and removed.
    counts: BTreeMap<(Span, Hour, KeyId, String), (u64, u64)>,
    unknown: BTreeMap<(Span, Hour, UnknownSource), u64>,
    activities: BTreeMap<KeyId, Activity>,
}

impl UsageState {
    fn add(&mut self, span: Span, StoredUsage { key, hour, outcome, calls, cost }: StoredUsage) {
        let count = self.counts.entry((span, hour, key, outcome)).or_default();
        *count = (count.0.saturating_add(calls), count.1.saturating_add(cost));
    }

    fn add_unknown(&mut self, span: Span, UnknownHour { hour, source, calls }: UnknownHour) {
        let count = self.unknown.entry((span, hour, source)).or_default();
        *count = count.saturating_add(calls);
    }

    fn note(&mut self, key: &UsedKey, last_use: Option<LastUse>) {
        let UsedKey { id, owner, config_id } = key;
        let known = self.activities.entry(id.clone()).or_insert_with(|| Activity {
            key: id.clone(),
            owner: owner.clone(),
            config_id: config_id.clone(),
            last_use,
        });
        let at = |last_use: Option<LastUse>| last_use.map(|last_use| last_use.at);
        if at(known.last_use) < at(last_use) {
            known.last_use = last_use;
        }
    }

    /// Returns the accepted and the refused calls of a key since an hour.
    pub(crate) fn calls_since(&self, key: &KeyId, since: Hour) -> (u64, u64) {
        let counts = self.counts.iter().filter(|((_, hour, of, _), _)| of == key && *hour >= since);
        counts.fold(
            (0, 0),
            |(accepted, refused), ((.., outcome), (calls, _))| {
                if outcome.is_empty() { (accepted + calls, refused) } else { (accepted, refused + calls) }
            },
        )
    }

    /// Returns the last use of a key.
    pub(crate) fn last_use(&self, key: &KeyId) -> Option<LastUse> {
        self.activities.get(key)?.last_use
    }

    /// Forgets the network of the last use of each key of a user. Returns the ids of all their keys.
    pub(crate) fn forget_networks_of(&mut self, user: &UserId) -> Vec<KeyId> {
        let of_user = self.activities.values_mut().filter(|activity| activity.owner.as_str() == user.as_str());
        let forget = |activity: &mut Activity| {
            activity.last_use = activity.last_use.map(|last_use| LastUse { network: None, ..last_use });
            activity.key.clone()
        };
        of_user.map(forget).collect()
    }

    /// Returns the earliest hour that was counted.
    pub(crate) fn first_hour(&self) -> Option<Hour> {
        self.counts.keys().map(|(_, hour, ..)| *hour).min()
    }

    /// Returns the keys that were called at least this often in an hour.
    pub(crate) fn busy_keys(&self, hour: Hour, least: u64) -> Vec<BusyKey> {
        let week_before = self.calls_in(hour.minus_days(7));
        let busy = self.calls_in(hour).into_iter().filter(|(_, calls)| calls.accepted + calls.refused >= least);
        let with_before = |(key, calls): (&KeyId, HourCounts)| BusyKey {
            id: key.clone(),
            calls,
            week_before: week_before.get(key).copied().unwrap_or_default(),
        };
        busy.map(with_before).collect()
    }

    fn calls_in(&self, hour: Hour) -> BTreeMap<&KeyId, HourCounts> {
        let mut calls: BTreeMap<&KeyId, HourCounts> = BTreeMap::new();
        for ((span, at, key, outcome), (count, _)) in &self.counts {
            if *span == Span::Hour && *at == hour {
                let of_key = calls.entry(key).or_default();
                let sum = if outcome.is_empty() { &mut of_key.accepted } else { &mut of_key.refused };
                *sum += count;
            }
        }
        calls
    }

    /// Sums up the counts of these keys in the window, by key, step and outcome.
    fn sums<'k>(
        &self,
        keys: impl Iterator<Item = &'k KeyId>,
        window: &Window,
    ) -> BTreeMap<(KeyId, Hour, String), (u64, u64)> {
        let keys: BTreeSet<_> = keys.collect();
        let mut sums: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for ((_, hour, key, outcome), (calls, cost)) in &self.counts {
            if keys.contains(key) && window.contains(*hour) {
                let sum = sums.entry((key.clone(), window.step().floor(*hour), outcome.clone())).or_default();
                *sum = (sum.0.saturating_add(*calls), sum.1.saturating_add(*cost));
            }
        }
        sums
    }

    /// Takes out the oldest counts of this span before an hour, `limit` of keys and as many of unknown keys.
    fn take(&mut self, span: Span, before: Hour, limit: NonZeroU32) -> (Vec<StoredUsage>, Vec<UnknownHour>) {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let is_due = |of: Span, hour: Hour| of == span && hour < before;
        let keys: Vec<_> =
            self.counts.keys().filter(|(of, hour, ..)| is_due(*of, *hour)).take(limit).cloned().collect();
        let unknown: Vec<_> =
            self.unknown.keys().filter(|(of, hour, _)| is_due(*of, *hour)).take(limit).cloned().collect();
        let taken = keys.into_iter().filter_map(|place| {
            let (calls, cost) = self.counts.remove(&place)?;
            let (_, hour, key, outcome) = place;
            Some(StoredUsage { key, hour, outcome, calls, cost })
        });
        let taken: Vec<_> = taken.collect();
        let taken_unknown = unknown.into_iter().filter_map(|place| {
            let calls = self.unknown.remove(&place)?;
            let (_, hour, source) = place;
            Some(UnknownHour { hour, source, calls })
        });
        (taken, taken_unknown.collect())
    }
}

fn number_of(taken: &(Vec<StoredUsage>, Vec<UnknownHour>)) -> u32 {
    u32::try_from(taken.0.len() + taken.1.len()).unwrap_or(u32::MAX)
}

#[async_trait]
impl UsageStore for MemoryStore {
    async fn add_usage(&self, flush: &UsageFlush) -> Result<bool, StoreError> {
        let usage = &mut self.lock().usage;
        let UsageFlush { process, number, at, keys, unknown } = flush;
        if usage.flushes.get(process).is_some_and(|(last, _)| last >= number) {
            return Ok(false);
        }
        usage.flushes.insert(process.clone(), (*number, *at));
        for entry in keys {
            let (key, hour) = (&entry.key, entry.hour);
            for (outcome, calls, cost) in entry.outcomes() {
                let (key, outcome) = (key.id.clone(), outcome.to_owned());
                usage.add(Span::Hour, StoredUsage { key, hour, outcome, calls, cost });
            }
            usage.note(key, entry.last_use);
        }
        for entry in unknown {
            usage.add_unknown(Span::Hour, entry.clone());
        }
        Ok(true)
    }

    async fn write_usage_journal(&self, part: &JournalPart) -> Result<bool, StoreError> {
        let usage = &mut self.lock().usage;
        let JournalPart { journal, number, at, page: _ } = part;
        if usage.flushes.get(journal).is_some_and(|(last, _)| last >= number) {
            return Ok(true);
        }
        if usage.flushes.contains_key(&process_of_journal(journal)) {
            return Ok(false);
        }
        usage.flushes.insert(journal.clone(), (*number, *at));
        usage.journals.entry(journal.clone()).or_default().insert(*number, part.clone());
        Ok(true)
    }

    async fn take_over_usage_journal(
        &self,
        untouched_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let usage = &mut self.lock().usage;
        let at = |process: &str| usage.flushes.get(process).map(|(_, at)| *at);
        let last = |journal: &str| at(journal).max(at(&process_of_journal(journal)));
        let old = usage.journals.keys().filter(|journal| last(journal) < Some(untouched_since));
        let oldest = old.min_by_key(|journal| at(journal)).cloned();
        if let Some(journal) = &oldest {
            usage.flushes.entry(process_of_journal(journal)).or_insert((0, now)).1 = now;
        }
        Ok(oldest.map(String::from))
    }

    async fn read_usage_journal(&self, journal: &str, after: u64) -> Result<Option<JournalPart>, StoreError> {
        let usage = &self.lock().usage;
        let parts = usage.journals.get(journal);
        Ok(parts.and_then(|parts| parts.values().find(|part| part.number > after)).cloned())
    }

    async fn remove_usage_journal(&self, journal: &str, limit: NonZeroU32) -> Result<u32, StoreError> {
        let usage = &mut self.lock().usage;
        let Some(parts) = usage.journals.get_mut(journal) else { return Ok(0) };
        let mut removed = 0;
        while removed < limit.get() && parts.pop_first().is_some() {
            removed += 1;
        }
        if parts.is_empty() {
            usage.journals.remove(journal);
        }
        Ok(removed)
    }

    async fn sum_usage(&self, selection: &UsageSelection, window: &Window) -> Result<Vec<Sum>, StoreError> {
        let usage = &self.lock().usage;
        let selected = usage.activities.values().filter(|activity| selection.includes(activity));
        let mut sums: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for ((_, start, outcome), (calls, cost)) in usage.sums(selected.map(|activity| &activity.key), window) {
            let sum = sums.entry((start, outcome)).or_default();
            *sum = (sum.0.saturating_add(calls), sum.1.saturating_add(cost));
        }
        Ok(sums.into_iter().map(|((start, outcome), (calls, cost))| Sum { start, outcome, calls, cost }).collect())
    }

    async fn sum_usage_by_key(
        &self,
        selection: &UsageSelection,
        window: &Window,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<KeySums>, StoreError> {
        let usage = &self.lock().usage;
        let is_behind = |key: &KeyId| after.as_ref().is_none_or(|after| after < key);
        let selected =
            usage.activities.values().filter(|activity| selection.includes(activity) && is_behind(&activity.key));
        let selected: Vec<_> = selected.take(usize::try_from(limit.get()).unwrap_or(usize::MAX)).collect();
        let mut sums: BTreeMap<KeyId, Vec<Sum>> = BTreeMap::new();
        for ((key, start, outcome), (calls, cost)) in usage.sums(selected.iter().map(|activity| &activity.key), window)
        {
            sums.entry(key).or_default().push(Sum { start, outcome, calls, cost });
        }
        let of_key = |activity: &Activity| KeySums {
            activity: activity.clone(),
            sums: sums.remove(&activity.key).unwrap_or_default(),
        };
        Ok(selected.into_iter().map(of_key).collect())
    }

    async fn sum_usage_of(&self, keys: &[KeyId], window: &Window) -> Result<Vec<KeySums>, StoreError> {
        let usage = &self.lock().usage;
        let keys: BTreeSet<_> = keys.iter().collect();
        let known = keys.into_iter().filter_map(|key| usage.activities.get(key));
        let of_key = |activity: &Activity| {
            let sums = usage.sums(std::iter::once(&activity.key), window).into_iter();
            let sum = |((_, start, outcome), (calls, cost))| Sum { start, outcome, calls, cost };
            KeySums { activity: activity.clone(), sums: sums.map(sum).collect() }
        };
        Ok(known.map(of_key).filter(|found| !found.sums.is_empty()).collect())
    }

    async fn sum_unknown_usage(&self, window: &Window) -> Result<Vec<UnknownHour>, StoreError> {
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        for ((_, hour, source), calls) in &self.lock().usage.unknown {
            if window.contains(*hour) {
                let sum = sums.entry((window.step().floor(*hour), source.clone())).or_default();
                *sum = sum.saturating_add(*calls);
            }
        }
        Ok(sums.into_iter().map(|((hour, source), calls)| UnknownHour { hour, source, calls }).collect())
    }

    async fn find_activities(&self, keys: &[KeyId]) -> Result<Vec<Activity>, StoreError> {
        let usage = &self.lock().usage;
        let keys: BTreeSet<_> = keys.iter().collect();
        Ok(keys.into_iter().filter_map(|key| usage.activities.get(key).cloned()).collect())
    }

    async fn roll_up_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        let usage = &mut self.lock().usage;
        let taken = usage.take(Span::Hour, before.day(), limit);
        let number = number_of(&taken);
        let (days, unknown_days) = roll_up(taken.0, taken.1);
        for day in days {
            usage.add(Span::Day, day);
        }
        for day in unknown_days {
            usage.add_unknown(Span::Day, day);
        }
        Ok(number)
    }

    async fn remove_usage(&self, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
        let mut state = self.lock();
        let taken = state.usage.take(Span::Day, before.day(), limit);
        let keys: BTreeSet<_> = taken.0.iter().map(|taken| taken.key.clone()).collect();
        for key in keys {
            let is_used = state.usage.counts.keys().any(|(_, _, other, _)| *other == key);
            if !is_used && state.key(&key).is_none() {
                state.usage.activities.remove(&key);
            }
        }
        Ok(number_of(&taken))
    }
}
