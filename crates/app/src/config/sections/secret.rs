use keymint_actix::CookieSecret;

use crate::config::Problem;
use crate::config::source::{Given, given};
use crate::environment::Environment;

pub(in crate::config) const OWN: &str = "KEYMINT_SECRET";
const BETTER_AUTHS: &str = "BETTER_AUTH_SECRET";

/// The smallest length of our own secret in characters. Better Auth's may be shorter, because its application may have
/// a short one.
const MIN_LENGTH: usize = 32;

/// Reads the secret that signs cookies from the environment; `None` = the database makes and keeps one.
///
/// A variable that is set to nothing counts as not set. If the secret `signs_assertions`, it must be long: the public
/// keys are derived from it, and anyone may read those and guess.
///
/// White space at the ends of our own variable is ignored: it depends on who wrote the variable. Better Auth signs with
/// the exact text of its variable, so that one is taken as it is.
pub(in crate::config) fn read(
    environment: &Environment,
    signs_assertions: bool,
    problems: &mut Vec<Problem>,
) -> Option<CookieSecret> {
    let found = |name| given(environment, name).map(|given| given.filter(|given| !given.text.is_empty()));
    let parsed = match found(OWN) {
        Err(problem) => Err(problem),
        Ok(Some(Given { place, text })) => {
            let text = text.trim();
            let parsed = if is_short(text) { Err(too_short("")) } else { parse(text) };
            parsed.map_err(|message| Problem::at_place(place, message))
        }
        Ok(None) => match found(BETTER_AUTHS) {
            Err(problem) => Err(problem),
            Ok(None) => return None,
            Ok(Some(Given { place, text })) => {
                let is_refused = signs_assertions && is_short(&text);
                let parsed = if is_refused {
                    Err(too_short(" where authorize.assertion.audience is set"))
                } else {
                    parse(&text)
                };
                parsed.map_err(|message| Problem::at_place(place, message))
            }
        },
    };
    parsed.map_err(|problem| problems.push(problem)).ok()
}

fn parse(text: &str) -> Result<CookieSecret, String> {
    CookieSecret::parse(text).map_err(|error| error.to_string())
}

fn too_short(condition: &str) -> String {
    format!("must have {MIN_LENGTH} or more characters{condition}")
}

fn is_short(secret: &str) -> bool {
    secret.chars().count() < MIN_LENGTH
}
