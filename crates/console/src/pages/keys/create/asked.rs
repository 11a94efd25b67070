use keymint_domain::address::AddressRules;
use keymint_domain::key::{MetadataInput, NewKey};
use keymint_domain::policy::References;
use keymint_domain::{OrganizationId, OwnerId};
use keymint_service::{CreateKey, KeyOptions};

use crate::form::{Fields, Problems};
use crate::pages::keys::parts::{Limits, expiry, networks, picked, read_metadata, read_name};
use crate::visitor::Visitor;

/// Reads the form of a new key. What is wrong is added to `problems`.
pub(super) fn read(
    form: &Fields,
    options: &KeyOptions<'_>,
    visitor: &Visitor,
    problems: &mut Problems,
) -> Option<CreateKey> {
    let configuration = options.configuration;
    let name = read_name(form, problems);
    let expires_in = expiry::read(form, configuration.expiration, problems);
    let permissions = picked(form, visitor.is_operator, problems);
    let metadata = form.get("metadata").filter(|_| configuration.enable_metadata);
    let metadata = metadata.map_or(MetadataInput::Absent, |text| read_metadata(text, problems));
    let mut new = NewKey { name, expires_in, permissions, metadata, ..NewKey::default() };
    let mut owner = None;
    if visitor.is_operator {
        Limits::read(form, problems).give(&mut new);
        new.addresses =
            AddressRules { allowed: networks(form, "allowed", problems), denied: networks(form, "denied", problems) };
        if configuration.references == References::User {
            owner = Some(match form.get("owner") {
                Some(text) => {
                    OwnerId::parse(text).map_err(|error| problems.add("owner", format!("It {error}."))).ok()?
                }
                None => visitor.id.clone(),
            });
        }
    }
    let organization = match (configuration.references, form.get("organization")) {
        (References::Organization, _) if visitor.is_guest() => OrganizationId::parse(visitor.id.as_str()).ok(),
        (References::Organization, Some(text)) => {
            OrganizationId::parse(text).map_err(|error| problems.add("organization", format!("It {error}."))).ok()
        }
        (References::Organization, None) => {
            problems.add("organization", "Enter the id of the organization.");
            None
        }
        (References::User, _) => None,
    };
    Some(CreateKey { config_id: Some(configuration.id.clone()), owner, organization, new })
}
