use keymint_domain::ErrorCode;
use keymint_domain::event::EventKind;
use keymint_domain::key::KeyState;
use keymint_domain::leak::{LeakResult, Reporter};
use prometheus::core::Collector;
use prometheus::{
    Error, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// The metrics of Keymint's own, and handles on those that each verification changes, which saves lookups.
pub(super) struct Instruments {
    pub(super) accepted: IntCounter,
    /// One counter for each code, in the order of [`ErrorCode::ALL`]; `None` = no verification is refused with it.
    pub(super) refused: Vec<Option<IntCounter>>,
    pub(super) verifications: IntCounterVec,
    pub(super) verification_duration: Histogram,
    pub(super) batch_size: Histogram,
    pub(super) batch_wait: Histogram,
    pub(super) turned_away: IntCounter,
    pub(super) store_errors: IntCounterVec,
    pub(super) idle_connections: IntGauge,
    pub(super) used_connections: IntGauge,
    pub(super) databases: IntGaugeVec,
    pub(super) moves: IntCounter,
    pub(super) keys: IntGaugeVec,
    pub(super) cleanups: IntCounterVec,
    pub(super) cleaned_up: IntCounter,
    pub(super) kept: IntGauge,
    pub(super) usage_flushes: IntCounterVec,
    pub(super) usage_flush_duration: Gauge,
    pub(super) usage_keys: IntGauge,
    pub(super) usage_lost: IntCounter,
    pub(super) sealings: IntCounterVec,
    pub(super) sealed: IntCounter,
    pub(super) events_removed: IntCounter,
    pub(super) watches: IntCounterVec,
    pub(super) noticed: IntCounterVec,
    pub(super) leaks: IntCounterVec,
    pub(super) throttled: IntCounter,
    pub(super) throttled_addresses: IntGauge,
    pub(super) webhooks: WebhookInstruments,
    pub(super) requests: IntCounterVec,
    pub(super) request_duration: HistogramVec,
}

/// The metrics of webhooks.
pub(super) struct WebhookInstruments {
    pub(super) attempts: IntCounterVec,
    pub(super) failures: IntCounterVec,
    pub(super) delay: Histogram,
    pub(super) backlog: IntGaugeVec,
    pub(super) oldest: IntGaugeVec,
}

impl WebhookInstruments {
    fn register(registry: &Registry) -> Result<Self, Error> {
        Ok(Self {
            attempts: counters(
                registry,
                "keymint_webhook_attempts_total",
                "Attempts to deliver events to webhooks.",
                &["outcome"],
            )?,
            failures: counters(
                registry,
                "keymint_webhook_failures_total",
                "Attempts that a webhook did not accept.",
                &["webhook"],
            )?,
            delay: histogram(
                registry,
                "keymint_webhook_delay_seconds",
                "From an event to its acceptance by a webhook.",
                &DELAYS,
            )?,
            backlog: gauges(
                registry,
                "keymint_webhook_backlog",
                "Events that a webhook was not told of yet.",
                &["webhook"],
            )?,
            oldest: gauges(
                registry,
                "keymint_webhook_oldest_seconds",
                "The age of the oldest event that a webhook was not told of yet.",
                &["webhook"],
            )?,
        })
    }
}

/// The codes with which a verification is refused. Their counters exist from the start, at 0; that of another code
/// would appear when it is first counted.
const REASONS: [ErrorCode; 11] = [
    ErrorCode::InvalidApiKey,
    ErrorCode::Malformed,
    ErrorCode::InvalidReferenceIdFromApiKey,
    ErrorCode::WrongConfiguration,
    ErrorCode::KeyDisabled,
    ErrorCode::KeyExpired,
    ErrorCode::UserBanned,
    ErrorCode::IpNotAllowed,
    ErrorCode::InsufficientPermissions,
    ErrorCode::UsageExceeded,
    ErrorCode::RateLimited,
];

/// The kinds of [`StoreError`](keymint_ports::StoreError), by the names that `meter.rs` gives them.
const STORE_ERRORS: [&str; 2] = ["unavailable", "corrupt"];

/// The events of notices and anomalies.
const NOTICED: [EventKind; 5] = [
    EventKind::KeyExpiring,
    EventKind::KeyExpired,
    EventKind::KeyIdle,
    EventKind::KeyRotationDue,
    EventKind::KeyAnomaly,
];

/// The buckets of durations in seconds: from a verification in memory to a request that times out.
const DURATIONS: [f64; 16] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The buckets of the delays of webhooks in seconds: from an endpoint nearby to one that was down for days.
const DELAYS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 36_000.0, 432_000.0];
/// The buckets of batch sizes: up to the default limit.
const BATCH_SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Returns the label of a verification that was refused with `code`.
pub(super) fn outcome(code: ErrorCode) -> String {
    code.as_str().to_ascii_lowercase()
}

impl Instruments {
    pub(super) fn register(registry: &Registry) -> Result<Self, Error> {
        let verifications = counters(registry, "keymint_verifications_total", "Verifications.", &["outcome"])?;
        let refused = ErrorCode::ALL
            .iter()
            .map(|code| REASONS.contains(code).then(|| verifications.with_label_values(&[outcome(*code)])));
        let connections = gauges(registry, "keymint_database_connections", "Connections to the database.", &["state"])?;
        let this = Self {
            accepted: verifications.with_label_values(&["valid"]),
            refused: refused.collect(),
            verifications,
            verification_duration: histogram(
                registry,
                "keymint_verification_duration_seconds",
                "From asking the service to its verdict.",
                &DURATIONS,
            )?,
            batch_size: histogram(registry, "keymint_batch_size", "Verifications in one transaction.", &BATCH_SIZES)?,
            batch_wait: histogram(
                registry,
                "keymint_batch_wait_seconds",
                "From entering the queue to the batch's start.",
                &DURATIONS,
            )?,
            turned_away: counter(
                registry,
                "keymint_queue_refused_total",
                "Verifications turned away because the queue was full.",
            )?,
            store_errors: counters(registry, "keymint_store_errors_total", "Failed calls of the store.", &["kind"])?,
            idle_connections: connections.with_label_values(&["idle"]),
            used_connections: connections.with_label_values(&["used"]),
            databases: databases(registry)?,
            moves: moves(registry)?,
            keys: gauges(registry, "keymint_keys", "Keys, as the last clean-up counted them.", &["state"])?,
            cleanups: counters(registry, "keymint_cleanup_runs_total", "Clean-ups.", &["outcome"])?,
            cleaned_up: counter(registry, "keymint_cleanup_removed_total", "Keys removed by clean-ups.")?,
            kept: gauge(
                registry,
                "keymint_cleanup_kept_keys",
                "Dead keys that the last clean-up left, because rows of other tables refer to them.",
            )?,
            usage_flushes: counters(
                registry,
                "keymint_usage_flushes_total",
                "Flushes of the statistics of uses.",
                &["outcome"],
            )?,
            usage_flush_duration: registered(
                registry,
                Gauge::new("keymint_usage_flush_duration_seconds", "Duration of the last flush, with its pauses."),
            )?,
            usage_keys: gauge(registry, "keymint_usage_flush_keys", "Keys that the last flush had uses of.")?,
            usage_lost: counter(
                registry,
                "keymint_usage_lost_total",
                "Calls that are missing in the statistics, because too many keys waited for a flush.",
            )?,
            sealings: counters(
                registry,
                "keymint_audit_runs_total",
                "Runs that give events their places in the audit log.",
                &["outcome"],
            )?,
            sealed: counter(registry, "keymint_audit_sealed_total", "Events that this process gave their places.")?,
            events_removed: counter(
                registry,
                "keymint_audit_removed_total",
                "Events that this process removed for their age.",
            )?,
            watches: counters(
                registry,
                "keymint_notice_runs_total",
                "Runs of the job that makes notices and finds anomalies.",
                &["outcome"],
            )?,
            noticed: counters(registry, "keymint_notices_total", "Notices and anomalies, by their event.", &["kind"])?,
            leaks: leak_reports(registry)?,
            throttled: counter(
                registry,
                "keymint_throttled_requests_total",
                "Sign-ins and sign-ups turned away because too many came from their address.",
            )?,
            throttled_addresses: gauge(
                registry,
                "keymint_throttled_addresses",
                "Addresses that the throttle of sign-ins remembers.",
            )?,
            webhooks: WebhookInstruments::register(registry)?,
            requests: counters(registry, "keymint_http_requests_total", "Requests.", &["route", "method", "status"])?,
            request_duration: registered(
                registry,
                HistogramVec::new(
                    HistogramOpts::new("keymint_http_request_duration_seconds", "From a request's head to its answer.")
                        .buckets(DURATIONS.to_vec()),
                    &["route"],
                ),
            )?,
        };
        tell_version(registry)?;
        this.start_at_zero();
        Ok(this)
    }

    /// Creates the counters that are known in advance, so that a rate over them is 0 and not unknown. Keys are unknown
    /// until they are counted.
    fn start_at_zero(&self) {
        for kind in STORE_ERRORS {
            self.store_errors.with_label_values(&[kind]);
        }
        for kind in NOTICED {
            self.noticed.with_label_values(&[kind.as_str()]);
        }
        for (reporter, result) in
            Reporter::ALL.into_iter().flat_map(|from| LeakResult::ALL.map(|result| (from, result)))
        {
            self.leaks.with_label_values(&[reporter.as_str(), result.as_str()]);
        }
        for outcome in [SUCCESS, FAILURE] {
            self.cleanups.with_label_values(&[outcome]);
            self.usage_flushes.with_label_values(&[outcome]);
            self.sealings.with_label_values(&[outcome]);
            self.watches.with_label_values(&[outcome]);
        }
        for outcome in [ACCEPTED, REFUSED] {
            self.webhooks.attempts.with_label_values(&[outcome]);
        }
    }

    pub(super) fn keys_in(&self, state: KeyState) -> IntGauge {
        self.keys.with_label_values(&[state.as_str()])
    }
}

fn tell_version(registry: &Registry) -> Result<(), Error> {
    let builds = gauges(registry, "keymint_build_info", "1, for the version that runs.", &["version"])?;
    builds.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    Ok(())
}

fn databases(registry: &Registry) -> Result<IntGaugeVec, Error> {
    let help = "1, for the database as it was found at the start.";
    gauges(registry, "keymint_database_info", help, &["engine", "role", "pooler"])
}

fn moves(registry: &Registry) -> Result<IntCounter, Error> {
    let help = "Times that the server went to another host of the database.";
    counter(registry, "keymint_database_moves_total", help)
}

fn leak_reports(registry: &Registry) -> Result<IntCounterVec, Error> {
    let help = "Texts that were reported as leaked keys.";
    counters(registry, "keymint_leak_reports_total", help, &["reporter", "outcome"])
}

/// The label of a clean-up, or of a flush of usage, that succeeded.
pub(super) const SUCCESS: &str = "success";
/// The label of one that failed.
pub(super) const FAILURE: &str = "failure";
/// The label of a delivery that a webhook accepted.
pub(super) const ACCEPTED: &str = "accepted";
/// The label of an attempt that a webhook did not accept.
pub(super) const REFUSED: &str = "failed";

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: Result<C, Error>) -> Result<C, Error> {
    let made = made?;
    registry.register(Box::new(made.clone()))?;
    Ok(made)
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, Error> {
    registered(registry, IntCounter::new(name, help))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Error> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, Error> {
    registered(registry, IntGauge::new(name, help))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, Error> {
    registered(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
}
