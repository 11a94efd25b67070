use std::error::Error;
use std::num::NonZeroU32;

use keymint_domain::organization::{RoleName, Roles, Slug};
use keymint_domain::value::KeyName;
use keymint_ports::ListedOrganization;
use keymint_service::{OrganizationError, Organizations};
use serde_json::json;

use super::arguments::OrgCommand;
use super::output::{self, Form};
use super::{CliResult, Misused, Refused};

/// The organizations of one statement.
const PORTION: NonZeroU32 = NonZeroU32::new(1000).unwrap();

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
        OrgCommand::List => list(organizations, form).await,
        OrgCommand::RemoveMember { organization, user } => {
            organizations.remove_member(&organization, &user).await.map_err(refused)?;
            output::record(&json!({ "success": true }), form)
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

async fn list(organizations: &Organizations, form: Form) -> CliResult {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let portion = organizations.list(after.take(), PORTION).await.map_err(refused)?;
        rows.extend(portion.iter().map(
            |ListedOrganization { id, name, slug, members }| json!({ "id": id.as_str(), "name": name, "slug": slug, "members": members }),
        ));
        match portion.last() {
            Some(last) if portion.len() >= PORTION.get() as usize => after = Some(last.id.clone()),
            _ => break,
        }
    }
    output::table(&json!({ "organizations": rows }), &rows, &["id", "name", "slug", "members"], form)
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
