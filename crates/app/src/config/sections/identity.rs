use crate::config::section::Section;

/// Browsers keep no cookie longer than 400 days.
const MAX_SESSION_SECONDS: u32 = 400 * 86_400;

/// Checks the section; there is nothing yet to hand its values to.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) {
    section.boolean("email_and_password", true);
    section.boolean("sign_up", true);
    section.integer("session_expires_in", 604_800_u32, 60..=MAX_SESSION_SECONDS);
    section.section("throttle", |throttle| {
        throttle.integer("max_requests", 20_u32, 0..=1_000_000);
        throttle.integer("window_seconds", 60_u32, 1..=86_400);
    });
}
