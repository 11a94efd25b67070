use std::error::Error;

use keymint_domain::organization::{RoleName, Roles, Slug};
use keymint_domain::value::KeyName;
use keymint_service::{OrganizationError, Organizations};
use serde_json::json;

use super::arguments::OrgCommand;
use super::output::{self, Form};
use super::{CliResult, Misused, Refused};

pub(super) async fn run(organizations: &Organizations, roles: &Roles, command: OrgCommand, form: Form) -> CliResult {
    match command {
        OrgCommand::Create { name, slug, creator, role } => {
            let name = KeyName::parse(name).map_err(|error| Misused(format!("--name {error}")))?;
            let slug = Slug::parse(&slug).map_err(|error| Misused(format!("--slug {error}")))?;
            let role = role.map_or(Ok(roles.creator.clone()), |role| parse_role(&role))?;
            let made = organizations.create(name, slug, &creator, role).await.map_err(refused)?;
            let view = json!({
                "id": made.id.as_str(),
                "name": made.name,
                "slug": made.slug.as_str(),
                "createdAt": made.created_at.to_string(),
            });
            output::record(&view, form)
        }
        OrgCommand::AddMember { organization, user, role } => {
            let member = organizations.add_member(&organization, &user, parse_role(&role)?).await.map_err(refused)?;
            let view = json!({
                "id": member.id.as_str(),
                "organizationId": member.organization_id.as_str(),
                "userId": member.user_id.as_str(),
                "role": member.role.as_str(),
                "createdAt": member.created_at.to_string(),
            });
            output::record(&view, form)
        }
    }
}

fn parse_role(role: &str) -> Result<RoleName, Misused> {
    RoleName::parse(role).map_err(|error| Misused(format!("--role {error}")))
}

/// Returns an error of the use cases, with what it says to a script.
fn refused(error: OrganizationError) -> Box<dyn Error> {
    match error {
        OrganizationError::Store(_) => error.into(),
        no => Refused::because(no.to_string()).into(),
    }
}
