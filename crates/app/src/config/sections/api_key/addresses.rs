use keymint_domain::address::{AddressRules, Network, Networks};

use crate::config::section::Section;

pub(super) fn read(section: &mut Section<'_, '_>) -> AddressRules {
    AddressRules { allowed: list(section, "allowed_addresses"), denied: list(section, "denied_addresses") }
}

fn list(section: &mut Section<'_, '_>, key: &'static str) -> Networks {
    let networks = section.texts(key, "list of 100 addresses or CIDRs at most", Vec::new(), Network::parse);
    Networks::new(networks).unwrap_or_else(|error| {
        section.problem(section.location(key), error.to_string());
        Networks::default()
    })
}
