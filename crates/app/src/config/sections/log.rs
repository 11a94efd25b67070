use keymint_actix::ApiOptions;
use tracing::Level;

use crate::config::section::Section;

/// The log's level and format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// The format of a line.
    pub format: LogFormat,
    /// The least severe level that is logged.
    pub level: Level,
    /// True if every request has a line in the access log, whatever the level.
    pub access: bool,
}

impl Default for Log {
    /// Returns text, from the level of information on.
    fn default() -> Self {
        Self { format: LogFormat::Text, level: Level::INFO, access: ApiOptions::default().access_log }
    }
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Log {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let default = Log::default();
    Log {
        format: section.choice("format", default.format, &formats),
        level: section.choice("level", default.level, &levels),
        access: section.boolean("access", default.access),
    }
}
