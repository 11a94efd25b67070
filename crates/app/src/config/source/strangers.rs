//! Variables that resemble ours, but that nothing reads.

use keymint_domain::key::PepperName;

use super::given::FILE;
use super::variables::{SECRET_KEYS, name_of};
use crate::config::reference::Key;
use crate::config::sections::{secret, server_keys};
use crate::config::{Place, Problem, suggestion};
use crate::environment::Environment;

const PREFIX: &str = "KEYMINT_";
const OVERRIDES: &str = "KEYMINT__";
const NAMES: [&str; 2] = [secret::OWN, server_keys::VARIABLE];

/// The variable of commands that work on a server elsewhere.
const URL: &str = "KEYMINT_URL";
/// The server key of these commands. A server does not read it: perhaps its own variable was meant.
pub(in crate::config) const SERVER_KEY: &str = "KEYMINT_SERVER_KEY";

/// Finds the variables that nothing reads although their names have our prefix.
///
/// A name that nearly is one of ours is a problem. All other names are returned, since other programs in the same
/// environment may use them.
pub(in crate::config) fn strangers(
    environment: &Environment,
    keys: &[Key],
    peppers: &[PepperName],
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut others = Vec::new();
    let names = environment.iter().map(|(name, _)| name).filter(|name| name.starts_with(PREFIX));
    let names = names.filter(|name| !name.starts_with(OVERRIDES) && !is_known(name, peppers));
    for name in names.filter(|name| !is_of_kubernetes(name)) {
        match meant(name, keys) {
            Some(_) if name.strip_suffix(FILE).unwrap_or(name) == SERVER_KEY => others.push(name.to_owned()),
            Some(meant) => {
                let message = format!("unknown variable; is {meant} meant?");
                problems.push(Problem::at_place(Place::Variable(name.into()), message));
            }
            None => others.push(name.to_owned()),
        }
    }
    others
}

fn is_known(name: &str, peppers: &[PepperName]) -> bool {
    let name = name.strip_suffix(FILE).unwrap_or(name);
    name == URL || NAMES.contains(&name) || peppers.iter().any(|pepper| pepper.as_str() == name)
}

/// Returns true for the names by which Kubernetes tells every process of a namespace about a service called `keymint`.
fn is_of_kubernetes(name: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || name.ends_with("_PORT")
}

/// Returns our name that this one may stand for: with one underscore instead of two, or with a typing error.
fn meant(name: &str, keys: &[Key]) -> Option<String> {
    let single = |name: &str| name.replace("__", "_");
    let mut overrides = keys.iter().map(|key| name_of(&key.path));
    let overridden = overrides.find(|key| single(key) == name).or_else(|| {
        let of_file = SECRET_KEYS.iter().map(|key| format!("{key}{FILE}"));
        of_file.into_iter().find(|key| single(key) == name)
    });
    overridden.or_else(|| {
        let (stem, suffix) = name.strip_suffix(FILE).map_or((name, ""), |stem| (stem, FILE));
        suggestion::nearest(stem, &NAMES).map(|meant| format!("{meant}{suffix}"))
    })
}
