use std::time::Duration;

use crate::config::section::Section;

/// What gateways are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorize {
    /// How long a gateway's request is known by its id, so that it is paid once; zero = not at all.
    pub idempotency_window: Duration,
    /// Whether `Authorization: Bearer` may hold a key, where the gateway does not say.
    pub bearer: bool,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Authorize {
    let window_ms = section.integer("idempotency_window_ms", 0, 0..=60_000);
    let bearer = section.boolean("bearer", true);
    Authorize { idempotency_window: Duration::from_millis(window_ms), bearer }
}
