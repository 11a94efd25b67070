//! Webhooks: the use cases on endpoints, and the job that delivers events to them.

mod dispatcher;
mod endpoints;
mod feed;
mod leases;
mod plan;
mod run;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::webhook::OutboundRules;
use keymint_ports::{Clock, Entropy, EventStore, Meter, WebhookSender, WebhookStore};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Recorder;

pub use dispatcher::Dispatcher;
pub use endpoints::{MadeWebhook, NewWebhook, TestedWebhook, WebhookError, Webhooks};

/// The limits of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookOptions {
    /// The addresses that may be called.
    pub rules: OutboundRules,
    /// The largest number of endpoints.
    pub max_endpoints: u32,
    /// The largest number of attempts at once.
    pub max_in_flight: usize,
    /// The largest number of attempts at once to one endpoint.
    pub max_per_endpoint: usize,
    /// The time after which another process takes over the endpoints of one that is gone.
    pub lease: Duration,
    /// The time between two looks for new events.
    pub poll: Duration,
    /// The time for which deliveries that are done are listed.
    pub retention: Duration,
}

impl Default for WebhookOptions {
    /// Returns the public Internet, 1,000 endpoints, 1,024 attempts at once, 8 of them to one endpoint, leases of 10 s,
    /// a look every 200 ms, and 30 days of finished deliveries.
    fn default() -> Self {
        Self {
            rules: OutboundRules::default(),
            max_endpoints: 1000,
            max_in_flight: 1024,
            max_per_endpoint: 8,
            lease: Duration::from_secs(10),
            poll: Duration::from_millis(200),
            retention: Duration::from_hours(30 * 24),
        }
    }
}

/// The surroundings of webhooks.
#[derive(Clone)]
pub struct WebhookPorts {
    /// The endpoints and their deliveries.
    pub store: Arc<dyn WebhookStore>,
    /// The events.
    pub events: Arc<dyn EventStore>,
    /// The client that calls endpoints.
    pub sender: Arc<dyn WebhookSender>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The meter.
    pub meter: Arc<dyn Meter>,
    /// Decides whether changes of endpoints are events.
    pub recorder: Recorder,
}

impl fmt::Debug for WebhookPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookPorts")
    }
}

/// Returns ticks of this period, counted from the end of the work that each one is for.
fn every(period: Duration) -> Interval {
    // Tokio rejects an interval of zero.
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
