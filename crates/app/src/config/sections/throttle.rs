use std::num::NonZeroU32;

use keymint_service::ThrottleOptions;

use crate::config::section::Section;

/// Reads the limit of requests from one address; `None` = no limit.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Option<ThrottleOptions> {
    let default = ThrottleOptions::default();
    let max_requests = section.integer("max_requests", default.max_requests.get(), 0..=1_000_000);
    let window = section.seconds("window_seconds", default.window, 1..=86_400);
    NonZeroU32::new(max_requests).map(|max_requests| ThrottleOptions { max_requests, window })
}
