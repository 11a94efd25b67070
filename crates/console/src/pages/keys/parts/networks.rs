use keymint_domain::address::{Network, Networks};

use crate::form::{Fields, Problems};

/// Reads networks, separated by spaces, commas or lines.
pub(in crate::pages::keys) fn networks(form: &Fields, field: &'static str, problems: &mut Problems) -> Networks {
    let parts = form.raw(field).split([' ', ',', ';', '\n', '\r', '\t']).filter(|part| !part.is_empty());
    let mut networks = Vec::new();
    for part in parts {
        match Network::parse(part) {
            Ok(network) => networks.push(network),
            Err(error) => {
                let shown: String = part.chars().take(60).collect();
                problems.add(field, format!("{shown} {error}."));
                return Networks::default();
            }
        }
    }
    Networks::new(networks).unwrap_or_else(|error| {
        problems.add(field, format!("The list {error}."));
        Networks::default()
    })
}
