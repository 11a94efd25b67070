//! Metrics in Prometheus' format. `docs/operations/metrics.md` lists each of them.
//!
//! No label's values grow with keys, users or the input of clients: each has a fixed set of values.

mod instruments;
mod meter;
mod publish;

use std::fmt;
use std::sync::Arc;

use keymint_actix::CompletedRequest;
use keymint_ports::Connections;
use keymint_service::Throttle;
use prometheus::{Registry, TextEncoder};

use instruments::Instruments;

pub(crate) use publish::publish;

/// The metrics of the process.
pub(crate) struct Metrics {
    registry: Registry,
    instruments: Instruments,
}

/// The sources that are read for each scrape of the metrics.
#[derive(Clone)]
pub(crate) struct Sources {
    /// Returns the counts of the database's connections.
    pub(crate) connections: Arc<dyn Fn() -> Connections + Send + Sync>,
    /// Returns the number of times that the database moved to another host.
    pub(crate) moves: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// The database, as it was found at the start.
    pub(crate) database: DatabaseLabels,
    /// The throttle of sign-ins; `None` = none.
    pub(crate) throttle: Option<Arc<Throttle>>,
}

/// The labels of the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatabaseLabels {
    /// `memory`, `sqlite`, `postgres` or `citus`.
    pub(crate) engine: &'static str,
    /// `primary`, `standby` or `read_only`.
    pub(crate) role: &'static str,
    /// `none`, `pgbouncer` or `other`.
    pub(crate) pooler: &'static str,
}

impl DatabaseLabels {
    /// Returns the labels of an engine that takes writes, and that nothing stands before.
    pub(crate) fn of(engine: &'static str) -> Self {
        Self { engine, role: "primary", pooler: "none" }
    }
}

impl Metrics {
    /// Makes the metrics, with all counters at 0.
    ///
    /// # Errors
    ///
    /// Returns an error if two metrics have the same name, which no configuration causes.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let instruments = Instruments::register(&registry)?;
        Ok(Self { registry, instruments })
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, completed: &CompletedRequest<'_>) {
        let CompletedRequest { route, method, status, took } = *completed;
        self.instruments.requests.with_label_values(&[route, method, status]).inc();
        self.instruments.request_duration.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Returns the metrics in Prometheus' text format.
    pub(crate) fn render(&self, sources: &Sources) -> String {
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let Connections { idle, used } = (sources.connections)();
        self.instruments.idle_connections.set(gauge(idle));
        self.instruments.used_connections.set(gauge(used));
        let moves = (sources.moves)();
        self.instruments.moves.inc_by(moves.saturating_sub(self.instruments.moves.get()));
        let DatabaseLabels { engine, role, pooler } = sources.database;
        self.instruments.databases.with_label_values(&[engine, role, pooler]).set(1);
        let addresses = sources.throttle.as_ref().map_or(0, |throttle| throttle.len());
        self.instruments.throttled_addresses.set(gauge(addresses));
        // It fails only for metrics without a name.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}
