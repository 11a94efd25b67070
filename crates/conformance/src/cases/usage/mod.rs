//! Statistics of uses are added once, by whoever counted them, and lose nothing on their way from hours to days.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::sample::{self, config};
use keymint_domain::metering::{
    Hour, KeyHour, KeySums, Step, Sum, UnknownHour, UnknownNetwork, UnknownSource, UsageFlush, UsageSelection, UsedKey,
    Window,
};
use keymint_domain::{KeyDetails, Timestamp};
use keymint_ports::UsageStore;

mod adding;
mod journal;
mod reading;
mod retention;

pub use self::{adding::*, journal::*, reading::*, retention::*};

/// Midnight of a Thursday, the first of a month, in UTC.
const MIDNIGHT: &str = "2024-02-01T00:00:00Z";

/// Returns the hour that begins this many hours after midnight.
fn hour(hours: i64) -> Hour {
    Hour::from_number(Hour::of(Timestamp::parse(MIDNIGHT).unwrap()).number() + hours)
}

/// Returns a window in hours from midnight.
fn window(from: i64, to: i64, step: Step) -> Window {
    Window::new(hour(from).start(), hour(to).start(), step).unwrap()
}

fn details(id: &str) -> Arc<KeyDetails> {
    sample::key(id).details
}

fn owned_by(id: &str, owner: &str, config: &str) -> Arc<KeyDetails> {
    let edit = |details: &mut KeyDetails| {
        (details.owner, details.config_id) = (sample::owner(owner), sample::config(config));
    };
    sample::key_with(id, |details, _| edit(details)).details
}

fn accepted(key: &Arc<KeyDetails>, hours: i64, calls: u64) -> KeyHour {
    let key = UsedKey::from(&**key);
    KeyHour { key, hour: hour(hours), accepted: calls, cost: 3 * calls, refused: Vec::new(), last_use: None }
}

fn unknown(hours: i64, network: &str, calls: u64) -> UnknownHour {
    let network = UnknownNetwork::parse(network).unwrap();
    let source = UnknownSource { config_id: Some(config("eu")), prefix: Some("sk_".into()), network };
    UnknownHour { hour: hour(hours), source, calls }
}

fn flush(process: &str, number: u64, keys: Vec<KeyHour>) -> UsageFlush {
    UsageFlush { process: process.into(), number, at: hour(0).start(), keys, unknown: Vec::new() }
}

fn sum(hours: i64, outcome: &str, calls: u64, cost: u64) -> Sum {
    Sum { start: hour(hours), outcome: outcome.to_owned(), calls, cost }
}

async fn hours_of(store: &impl UsageStore, selection: &UsageSelection) -> Vec<Sum> {
    store.sum_usage(selection, &window(-100, 800, Step::Hour)).await.unwrap()
}

async fn calls_of(store: &impl UsageStore, selection: &UsageSelection) -> u64 {
    let sums = store.sum_usage(selection, &window(-10_000, 10_000, Step::Day)).await.unwrap();
    sums.iter().map(|sum| sum.calls).sum()
}

/// Returns all pages of `limit` keys.
async fn by_key(store: &impl UsageStore, selection: &UsageSelection, window: &Window, limit: u32) -> Vec<KeySums> {
    let (mut all, limit) = (Vec::<KeySums>::new(), NonZeroU32::new(limit).unwrap());
    loop {
        let after = all.last().map(|last| last.activity.key.clone());
        let page = store.sum_usage_by_key(selection, window, after, limit).await.unwrap();
        let is_last = page.len() < usize::try_from(limit.get()).unwrap();
        all.extend(page);
        if is_last {
            return all;
        }
    }
}
