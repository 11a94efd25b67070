use keymint_domain::server_key::ServerKeyText;

use crate::config::Problem;
use crate::config::source::{Given, given};
use crate::environment::Environment;

pub(in crate::config) const VARIABLE: &str = "KEYMINT_SERVER_KEYS";

/// Reads the server keys from the environment, or from a file that it names.
///
/// They are not in the configuration's own file, which would be copied with them. A variable that is set to nothing
/// counts as not set.
pub(in crate::config) fn read(environment: &Environment, problems: &mut Vec<Problem>) -> Vec<ServerKeyText> {
    let given = given(environment, VARIABLE).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let Some(Given { place, text }) = given.filter(|given| !given.text.trim().is_empty()) else {
        return Vec::new();
    };
    let parsed =
        text.trim().split([',', '\n']).enumerate().filter_map(|(index, key)| match ServerKeyText::parse(key.trim()) {
            Ok(key) => Some(key),
            Err(error) => {
                let message = format!("key {} {error}", index + 1);
                problems.push(Problem::at_place(place.clone(), message));
                None
            }
        });
    parsed.collect()
}
