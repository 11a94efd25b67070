use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};
use crate::telemetry::{SPANS, Telemetry};

/// Sends log lines to standard error, as text or as JSON, one per line, and spans to the collector. A second call
/// changes nothing.
pub(crate) fn start(log: &Log, telemetry: Option<&Telemetry>) {
    // If standard error cannot be written, there is nowhere to report it: the subscriber's own complaint would go to
    // the same place, and panic.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Malformed requests are not errors of ours, `serve` logs the server's steps, and an existing table is only news at
    // the first start.
    let warnings = log.level.min(tracing::Level::WARN);
    let targets = Targets::new()
        .with_default(log.level)
        .with_target("actix_http", LevelFilter::OFF)
        .with_target("actix_server", warnings)
        .with_target("sqlx", warnings)
        .with_target("access", if log.access { LevelFilter::INFO } else { LevelFilter::OFF })
        .with_target(SPANS, LevelFilter::OFF);
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(targets));
    // Not an empty layer in its place: it would be called for every span, and lines would be lost.
    drop(match telemetry {
        Some(telemetry) => subscriber.with(telemetry.layer()).try_init(),
        None => subscriber.try_init(),
    });
}
