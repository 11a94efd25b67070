use std::time::Duration;

use keymint_domain::Policy;
use keymint_service::{Access, KeysBuilder};

use crate::config::section::Section;

/// The callers that may verify over HTTP, and the time at which deferred usage is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verify {
    /// The callers that may verify keys.
    pub access: Access,
    /// The interval at which deferred usage is written, which is also the time for which a key is judged without the
    /// database.
    pub flush: Duration,
}

/// Reads the section. Also returns whether a key's owner must have a row, which belongs to the policy.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> (Verify, bool) {
    let accesses = [("server", Access::Server), ("public", Access::Public)];
    let access = section.choice("access", Access::default(), &accesses);
    let require_owner = section.boolean("require_owner", Policy::default().require_owner);
    let flush = section.milliseconds("flush_ms", KeysBuilder::FLUSH_INTERVAL, 10..=60_000);
    (Verify { access, flush }, require_owner)
}
