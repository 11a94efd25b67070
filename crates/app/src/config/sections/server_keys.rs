use keymint_domain::server_key::ServerKeyText;

use crate::config::{Place, Problem};
use crate::environment::Environment;

const VARIABLE: &str = "KEYMINT_SERVER_KEYS";

/// Reads the server keys, which only the environment holds: a file would be copied about with them. A variable that
/// is set to nothing counts as not set.
pub(in crate::config) fn read(environment: &Environment, problems: &mut Vec<Problem>) -> Vec<ServerKeyText> {
    // A key with a spoilt character is refused like any other that a header cannot carry.
    let keys = environment.get(VARIABLE).unwrap_or_default().to_string_lossy();
    if keys.trim().is_empty() {
        return Vec::new();
    }
    let parsed = keys.split(',').enumerate().filter_map(|(index, key)| match ServerKeyText::parse(key.trim()) {
        Ok(key) => Some(key),
        Err(error) => {
            let message = format!("key {} {error}", index + 1);
            problems.push(Problem::at_place(Place::Variable(VARIABLE.into()), message));
            None
        }
    });
    parsed.collect()
}
