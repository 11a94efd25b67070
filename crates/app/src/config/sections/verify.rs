use std::time::Duration;

use keymint_domain::Policy;
use keymint_service::{Access, KeysBuilder};

use crate::config::section::Section;

/// Who may verify over HTTP, and when deferred usage is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verify {
    /// Who may ask whether a key is valid.
    pub access: Access,
    /// How often deferred usage is written, and how long a key is judged without the database.
    pub flush: Duration,
}

/// The section, and whether a key needs an owner whose row exists, which is for the policy.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> (Verify, bool) {
    let accesses = [("server", Access::Server), ("public", Access::Public)];
    let access = section.choice("access", Access::default(), &accesses);
    let require_owner = section.boolean("require_owner", Policy::default().require_owner);
    let flush = section.milliseconds("flush_ms", KeysBuilder::FLUSH_INTERVAL, 10..=60_000);
    (Verify { access, flush }, require_owner)
}
