//! API keys: the list, a new key, one key, and what is done with it.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod key;
pub(crate) mod list;
mod organization;
mod parts;
pub(crate) mod revoke;
pub(crate) mod rotate;
pub(crate) mod try_out;

use keymint_domain::{ApiKey, KeyId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::Failure;
use crate::form::{Fields, version};
use crate::place::Place;
use crate::visitor::Visitor;

/// Returns the path of a key's page in the console. Pages that are also in the portal ask their visitor for it.
pub(crate) fn path(id: &KeyId) -> String {
    format!("{}/{}", Place::Console.keys(), utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC))
}

/// Returns the name of a key for people: its own, else the first characters of its secret.
pub(crate) fn name(key: &ApiKey) -> String {
    let named = key.details.name.as_deref().filter(|name| !name.trim().is_empty());
    match (named, &key.details.start) {
        (Some(name), _) => name.to_owned(),
        (None, Some(start)) => format!("{start}…"),
        (None, None) => "Key without a name".to_owned(),
    }
}

/// Checks that a form is about the key as it is now.
pub(crate) fn check_version(form: &Fields, key: &ApiKey, visitor: &Visitor) -> Result<(), Failure> {
    if form.raw("version") == version(key) { Ok(()) } else { Err(Failure::Stale(visitor.path(&key.details.id))) }
}
