use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

/// Sends log lines to standard error, as text or as JSON, one a line. A second call changes nothing.
pub(crate) fn start(log: &Log) {
    // Where standard error cannot be written, there is nowhere to say so: the subscriber's own complaint would go to
    // the same place, and panic.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // What strangers send is no error of ours, the server's own steps are told by `serve`, and that a table exists
    // already is no news at any start but the first.
    let warnings = log.level.min(tracing::Level::WARN);
    let targets = Targets::new()
        .with_default(log.level)
        .with_target("actix_http", LevelFilter::OFF)
        .with_target("actix_server", warnings)
        .with_target("sqlx", warnings);
    drop(tracing_subscriber::registry().with(lines.with_filter(targets)).try_init());
}
