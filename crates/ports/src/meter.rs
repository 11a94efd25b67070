use std::time::Duration;

use keymint_domain::ErrorCode;
use keymint_domain::event::EventKind;
use keymint_domain::key::KeyCounts;
use keymint_domain::leak::{LeakResult, Reporter};
use keymint_domain::webhook::WebhookId;

use crate::StoreError;

/// Counts events, for those who monitor a running service.
///
/// # Contract
///
/// * A method is quick: it neither waits nor does I/O.
/// * Memory use does not grow with the number of keys, users or requests.
/// * No input makes a method panic.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Meter: Send + Sync + 'static {
    /// Counts a verification that was answered after `took`: the key was accepted (`None`), or refused for that reason.
    fn verified(&self, refused: Option<ErrorCode>, took: Duration);

    /// Records that an attempt waited `waited` in the queue before its batch began.
    fn waited(&self, waited: Duration);

    /// Records that a batch of `attempts` attempts began.
    fn batched(&self, attempts: usize);

    /// Counts an attempt that was rejected, because the queue was full.
    fn turned_away(&self);

    /// Counts a failed call of the store, or a row that could not be read.
    fn store_failed(&self, error: &StoreError);

    /// Counts a request that was throttled, because too many came from its address.
    fn throttled(&self);

    /// Records the end of a clean-up, which removed that many keys, or failed (`None`).
    fn cleaned_up(&self, removed: Option<u64>);

    /// Records the number of dead keys that a clean-up kept, because rows of other tables refer to them.
    fn kept(&self, keys: u64);

    /// Records the number of keys in each state, once all are counted.
    fn counted(&self, keys: &KeyCounts);

    /// Records a flush of statistics after `took`: the number of keys that were used, or a failure (`None`).
    fn usage_flushed(&self, keys: Option<usize>, took: Duration);

    /// Counts calls that are missing in the statistics, because too many keys waited for a flush.
    fn usage_lost(&self, calls: u64);

    /// Records a run that gives events their places in the log: the number of events, or a failure (`None`).
    fn sealed(&self, events: Option<u64>);

    /// Counts events that were removed from the log for their age.
    fn events_removed(&self, events: u64);

    /// Counts a run of the job that looks after keys, which succeeded or failed.
    fn watched(&self, succeeded: bool);

    /// Counts a notice or an anomaly by the kind of its event.
    fn noticed(&self, kind: EventKind);

    /// Counts the report of one text as a leaked key. A report that comes again is counted again.
    fn leak_reported(&self, reporter: Reporter, result: LeakResult);

    /// Counts an attempt to deliver an event to an endpoint, which accepted it so long after the event, or did not
    /// (`None`).
    fn webhook_attempted(&self, id: &WebhookId, accepted_after: Option<Duration>);

    /// Records the events that are still to be delivered to each active endpoint. Whatever was counted of others is
    /// forgotten.
    fn webhooks_counted(&self, lags: &[WebhookLag]);
}

/// The events that are still to be delivered to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookLag {
    /// The endpoint.
    pub id: WebhookId,
    /// The number of events.
    pub events: u64,
    /// The age of the oldest one; zero = there is none.
    pub oldest: Duration,
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn verified(&self, _: Option<ErrorCode>, _: Duration) {}

    fn waited(&self, _: Duration) {}

    fn batched(&self, _: usize) {}

    fn turned_away(&self) {}

    fn store_failed(&self, _: &StoreError) {}

    fn throttled(&self) {}

    fn cleaned_up(&self, _: Option<u64>) {}

    fn kept(&self, _: u64) {}

    fn counted(&self, _: &KeyCounts) {}

    fn usage_flushed(&self, _: Option<usize>, _: Duration) {}

    fn usage_lost(&self, _: u64) {}

    fn sealed(&self, _: Option<u64>) {}

    fn events_removed(&self, _: u64) {}

    fn watched(&self, _: bool) {}

    fn noticed(&self, _: EventKind) {}

    fn leak_reported(&self, _: Reporter, _: LeakResult) {}

    fn webhook_attempted(&self, _: &WebhookId, _: Option<Duration>) {}

    fn webhooks_counted(&self, _: &[WebhookLag]) {}
}
