use keymint_actix::session::CookieSecret;

use crate::config::{Place, Problem};
use crate::environment::Environment;

const OWN: &str = "KEYMINT_SECRET";
const BETTER_AUTHS: &str = "BETTER_AUTH_SECRET";

/// Fewest characters of a secret of one's own. Better Auth's may be shorter where its application has one that is.
const MIN_LENGTH: usize = 32;

/// Reads the secret that signs cookies, which only the environment holds; `None` = one is made and kept in the database.
/// A variable that is set to nothing counts as not set. Where it `signs_assertions` it must be long: their public keys
/// follow from it, and everybody may read those and guess.
pub(in crate::config) fn read(
    environment: &Environment,
    signs_assertions: bool,
    problems: &mut Vec<Problem>,
) -> Option<CookieSecret> {
    let given = |name| Some((name, environment.get(name)?.to_str())).filter(|(_, value)| *value != Some(""));
    let (name, value) = given(OWN).or_else(|| given(BETTER_AUTHS))?;
    let parsed = match value {
        None => Err("is not UTF-8".to_owned()),
        Some(value) if name == OWN && is_short(value) => Err(format!("must have {MIN_LENGTH} or more characters")),
        Some(value) if signs_assertions && is_short(value) => {
            Err(format!("must have {MIN_LENGTH} or more characters where authorize.assertion.audience is set"))
        }
        Some(value) => CookieSecret::parse(value).map_err(|error| error.to_string()),
    };
    parsed.map_err(|message| problems.push(Problem::at_place(Place::Variable(name.into()), message))).ok()
}

fn is_short(secret: &str) -> bool {
    secret.chars().count() < MIN_LENGTH
}
