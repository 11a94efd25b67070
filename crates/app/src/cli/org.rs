use keymint_domain::organization::{RoleName, Roles, Slug};
use keymint_domain::value::KeyName;
use keymint_service::Organizations;
use serde_json::json;

use super::arguments::OrgCommand;
use super::{CliResult, output};

pub(super) async fn run(organizations: &Organizations, roles: &Roles, command: OrgCommand, json: bool) -> CliResult {
    match command {
        OrgCommand::Create { name, slug, creator, role } => {
            let name = KeyName::parse(name).map_err(|error| format!("--name {error}"))?;
            let slug = Slug::parse(&slug).map_err(|error| format!("--slug {error}"))?;
            let role = role.map_or(Ok(roles.creator.clone()), |role| parse_role(&role))?;
            let made = organizations.create(name, slug, &creator, role).await?;
            let view = json!({
                "id": made.id.as_str(),
                "name": made.name,
                "slug": made.slug.as_str(),
                "createdAt": made.created_at.to_string(),
            });
            output::record(&view, json)
        }
        OrgCommand::AddMember { organization, user, role } => {
            let member = organizations.add_member(&organization, &user, parse_role(&role)?).await?;
            let view = json!({
                "id": member.id.as_str(),
                "organizationId": member.organization_id.as_str(),
                "userId": member.user_id.as_str(),
                "role": member.role.as_str(),
                "createdAt": member.created_at.to_string(),
            });
            output::record(&view, json)
        }
    }
}

fn parse_role(role: &str) -> Result<RoleName, String> {
    RoleName::parse(role).map_err(|error| format!("--role {error}"))
}
