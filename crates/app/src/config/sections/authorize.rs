use std::time::Duration;

use keymint_actix::ApiOptions;

use crate::config::section::Section;

/// The options of the answers to gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorize {
    /// The time for which a gateway's request id is remembered, so that a retry is not charged again; zero = not at
    /// all.
    pub idempotency_window: Duration,
    /// True if `Authorization: Bearer` may hold a key, unless the gateway says otherwise.
    pub bearer: bool,
    /// The signed assertion of the answer; `None` = none.
    pub assertion: Option<Assertion>,
}

/// The options of assertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The application that they are for.
    pub audience: String,
    /// The time for which an assertion is valid.
    pub lifetime: Duration,
    /// True if they contain a key's metadata.
    pub has_metadata: bool,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Authorize {
    let idempotency_window = section.milliseconds("idempotency_window_ms", Duration::ZERO, 0..=60_000);
    let bearer = section.boolean("bearer", ApiOptions::default().authorize_bearer);
    let assertion = section.section("assertion", read_assertion);
    Authorize { idempotency_window, bearer, assertion }
}

fn read_assertion(section: &mut Section<'_, '_>) -> Option<Assertion> {
    let audience = section.optional_text("audience", "text", parse_audience);
    let lifetime = section.seconds("lifetime_seconds", Duration::from_mins(1), 10..=300);
    let has_metadata = section.boolean("metadata", false);
    Some(Assertion { audience: audience?, lifetime, has_metadata })
}

/// Reads a name that fits into a header beside the other claims.
fn parse_audience(text: &str) -> Result<String, &'static str> {
    if (1..=255).contains(&text.len()) && !text.contains(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 255 bytes, and no control characters")
    }
}
