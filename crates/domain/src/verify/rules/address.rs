//! The key's own rules and its configuration's allow the client's address.

use super::{Case, Facts, RuleRefusal, pass};
use crate::ErrorCode;
use crate::address::{AddressRules, ClientAddress, Networks};
use crate::usage::Usage;
use crate::verify::Fact;

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    let client = case.attempt.client;
    let passes = |rules: &AddressRules| rules.admit(client);
    let by_configuration = case.configuration.map_or(true, |configuration| passes(&configuration.addresses));
    pass(by_configuration && passes(&case.key.details.addresses), ErrorCode::IpNotAllowed)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    let client = match case.attempt.client {
        ClientAddress::Known(address) => Some(address.to_string()),
        ClientAddress::Unknown | ClientAddress::Anywhere => None,
    };
    let AddressRules { allowed, denied } = &case.key.details.addresses;
    let configuration = case.configuration.ok().map(|configuration| &configuration.addresses);
    vec![
        ("client", client.as_deref().into()),
        ("allowed", listed(Some(allowed))),
        ("denied", listed(Some(denied))),
        ("allowedByConfiguration", listed(configuration.map(|rules| &rules.allowed))),
        ("deniedByConfiguration", listed(configuration.map(|rules| &rules.denied))),
    ]
}

/// Returns the networks as one text, if there are any.
fn listed(networks: Option<&Networks>) -> Fact {
    let texts = networks.filter(|networks| !networks.is_empty()).map(|networks| networks.texts().collect::<Vec<_>>());
    texts.map(|texts| texts.join(", ")).as_deref().into()
}
