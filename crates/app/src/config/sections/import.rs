use keymint_domain::key::{Pepper, PepperName, Peppers};

use crate::config::section::Section;
use crate::config::source::{Given, given};
use crate::environment::Environment;

/// The secrets that imported keys are verified with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// The peppers, by the names of their variables.
    pub peppers: Peppers,
    /// Those names.
    pub(in crate::config) names: Vec<PepperName>,
}

/// The largest number of peppers. Each unknown key is hashed with all that keys in the database need.
const MAX_PEPPERS: usize = 16;

/// Reads the names of peppers, and the peppers from the environment.
///
/// They are not in the configuration's own file, which would be copied with them. A pepper is taken as it is: another
/// program has used exactly those bytes.
pub(in crate::config) fn read(section: &mut Section<'_, '_>, environment: &Environment) -> Import {
    let kind = "list of 16 names of environment variables at most";
    let names = section.texts("peppers", kind, Vec::new(), PepperName::parse);
    if names.len() > MAX_PEPPERS {
        section.problem(section.location("peppers"), format!("must have {MAX_PEPPERS} entries or fewer"));
    }
    let mut peppers = Vec::new();
    for name in &names {
        let problem = match given(environment, name.as_str()) {
            Err(problem) => Err(problem.to_string()),
            Ok(None) => Err(format!("names the environment variable {name}, which is not set")),
            Ok(Some(Given { text, .. })) => Pepper::new(name.clone(), text).map_err(|error| format!("{name} {error}")),
        };
        match problem {
            Ok(pepper) => peppers.push(pepper),
            Err(message) => section.problem(section.location("peppers"), message),
        }
    }
    Import { peppers: Peppers::new(peppers), names }
}
