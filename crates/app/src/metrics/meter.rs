use std::collections::HashSet;
use std::time::Duration;

use keymint_domain::ErrorCode;
use keymint_domain::event::EventKind;
use keymint_domain::key::{KeyCounts, KeyState};
use keymint_domain::leak::{LeakResult, Reporter};
use keymint_domain::webhook::WebhookId;
use keymint_ports::{Meter, StoreError, WebhookLag};
use prometheus::core::Collector as _;

use super::Metrics;
use super::instruments::{ACCEPTED, FAILURE, REFUSED, SUCCESS, outcome};

impl Meter for Metrics {
    fn verified(&self, refused: Option<ErrorCode>, took: Duration) {
        let instruments = &self.instruments;
        match refused {
            None => instruments.accepted.inc(),
            Some(code) => match instruments.refused.get(code as usize) {
                Some(Some(counter)) => counter.inc(),
                _ => instruments.verifications.with_label_values(&[outcome(code)]).inc(),
            },
        }
        instruments.verification_duration.observe(took.as_secs_f64());
    }

    fn waited(&self, waited: Duration) {
        self.instruments.batch_wait.observe(waited.as_secs_f64());
    }

    fn batched(&self, attempts: usize) {
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        self.instruments.batch_size.observe(attempts.into());
    }

    fn turned_away(&self) {
        self.instruments.turned_away.inc();
    }

    fn store_failed(&self, error: &StoreError) {
        let kind = match error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Corrupt { .. } => "corrupt",
            // The store reported that it could not do what it was asked; the store itself works.
            StoreError::Locked
            | StoreError::Duplicate
            | StoreError::OwnerFull
            | StoreError::Dangling
            | StoreError::Referenced
            | StoreError::OutOfRange { .. } => return,
        };
        self.instruments.store_errors.with_label_values(&[kind]).inc();
    }

    fn throttled(&self) {
        self.instruments.throttled.inc();
    }

    fn cleaned_up(&self, removed: Option<u64>) {
        let outcome = if removed.is_some() { SUCCESS } else { FAILURE };
        self.instruments.cleanups.with_label_values(&[outcome]).inc();
        self.instruments.cleaned_up.inc_by(removed.unwrap_or(0));
    }

    fn kept(&self, keys: u64) {
        self.instruments.kept.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    fn counted(&self, keys: &KeyCounts) {
        for state in KeyState::ALL {
            self.instruments.keys_in(state).set(i64::try_from(keys.of(state)).unwrap_or(i64::MAX));
        }
    }

    fn usage_flushed(&self, keys: Option<usize>, took: Duration) {
        let outcome = if keys.is_some() { SUCCESS } else { FAILURE };
        self.instruments.usage_flushes.with_label_values(&[outcome]).inc();
        self.instruments.usage_flush_duration.set(took.as_secs_f64());
        if let Some(keys) = keys {
            self.instruments.usage_keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
        }
    }

    fn usage_lost(&self, calls: u64) {
        self.instruments.usage_lost.inc_by(calls);
    }

    fn sealed(&self, events: Option<u64>) {
        self.instruments.sealings.with_label_values(&[if events.is_some() { SUCCESS } else { FAILURE }]).inc();
        self.instruments.sealed.inc_by(events.unwrap_or(0));
    }

    fn events_removed(&self, events: u64) {
        self.instruments.events_removed.inc_by(events);
    }

    fn watched(&self, succeeded: bool) {
        self.instruments.watches.with_label_values(&[if succeeded { SUCCESS } else { FAILURE }]).inc();
    }

    fn noticed(&self, kind: EventKind) {
        self.instruments.noticed.with_label_values(&[kind.as_str()]).inc();
    }

    fn leak_reported(&self, reporter: Reporter, result: LeakResult) {
        self.instruments.leaks.with_label_values(&[reporter.as_str(), result.as_str()]).inc();
    }

    fn webhook_attempted(&self, id: &WebhookId, accepted_after: Option<Duration>) {
        let instruments = &self.instruments.webhooks;
        if let Some(after) = accepted_after {
            instruments.attempts.with_label_values(&[ACCEPTED]).inc();
            instruments.delay.observe(after.as_secs_f64());
        } else {
            instruments.attempts.with_label_values(&[REFUSED]).inc();
            instruments.failures.with_label_values(&[id.as_str()]).inc();
        }
    }

    fn webhooks_counted(&self, lags: &[WebhookLag]) {
        let instruments = &self.instruments.webhooks;
        instruments.backlog.reset();
        instruments.oldest.reset();
        self.forget_failures_of_others(lags);
        for WebhookLag { id, events, oldest } in lags {
            let events = i64::try_from(*events).unwrap_or(i64::MAX);
            instruments.backlog.with_label_values(&[id.as_str()]).set(events);
            let seconds = i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX);
            instruments.oldest.with_label_values(&[id.as_str()]).set(seconds);
            instruments.failures.with_label_values(&[id.as_str()]);
        }
    }
}

impl Metrics {
    /// Drops the failures of endpoints that are no longer active, so that the series do not grow with deleted ones.
    fn forget_failures_of_others(&self, lags: &[WebhookLag]) {
        let active: HashSet<_> = lags.iter().map(|lag| lag.id.as_str()).collect();
        for family in self.instruments.webhooks.failures.collect() {
            for label in family.get_metric().iter().flat_map(prometheus::proto::Metric::get_label) {
                if !active.contains(label.value()) {
                    // It was there a moment ago.
                    drop(self.instruments.webhooks.failures.remove_label_values(&[label.value()]));
                }
            }
        }
    }
}
