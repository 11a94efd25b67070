use keymint_service::Access;

use crate::config::section::Section;

/// Who may verify over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verify {
    /// Who may ask whether a key is valid.
    pub access: Access,
}

/// The section, and whether a key needs an owner whose row exists, which is for the policy.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> (Verify, bool) {
    let accesses = [("server", Access::Server), ("public", Access::Public)];
    let access = section.choice("access", Access::Server, &accesses);
    (Verify { access }, section.boolean("require_owner", false))
}
