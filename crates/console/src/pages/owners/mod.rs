//! The owners of keys, for operators.

pub(crate) mod change;
pub(crate) mod find;
pub(crate) mod owner;

use keymint_domain::OwnerId;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::Failure;
use crate::ask::Ask;

/// Returns the path of an owner's page.
pub(crate) fn path(owner: &OwnerId) -> String {
    format!("/console/owners/{}", utf8_percent_encode(owner.as_str(), NON_ALPHANUMERIC))
}

/// Reads the owner that the path names. Every text of its form may own keys: owners are kept elsewhere, too.
fn read(ask: &Ask) -> Result<OwnerId, Failure> {
    let id = ask.request.parameter("owner")?;
    OwnerId::parse(id).map_err(|_| keymint_actix::ApiError::NotFound.into())
}
