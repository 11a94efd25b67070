use keymint_domain::organization::{Action, Role, RoleName, Roles};
use toml::Value;

use crate::config::section::Section;
use crate::config::source::{Node, ValueProblems};
use crate::config::values::{entries, list, parsed};

/// Reads the actions that an organization's members may take on its keys.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Roles {
    let default = Roles::default();
    let creator = section.read(
        "creator_role",
        "text",
        default.creator,
        |role| Some(Value::from(role.as_str())),
        |node| parsed(node, RoleName::parse),
    );
    let kind = "table of lists of \"create\", \"read\", \"update\" and \"delete\"";
    // As in Better Auth, only the creator's role allows anything unless roles are configured.
    let others = section.read("roles", kind, default.others, |roles| Some(show(roles)), roles);
    Roles { creator, others }
}

fn roles(node: &Node) -> Result<Vec<Role>, ValueProblems> {
    let named = entries(node, |actions| list(actions, |action| parsed(action, known_action)))?;
    let role = |(name, actions): (&str, _)| match RoleName::parse(name) {
        Ok(name) => Ok(Role { name, actions }),
        Err(error) => node.wrong(format!("{name}: {error}")),
    };
    named.into_iter().map(role).collect()
}

fn show(roles: &[Role]) -> Value {
    let actions = |role: &Role| role.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().into();
    Value::Table(roles.iter().map(|role| (role.name.as_str().to_owned(), actions(role))).collect())
}

fn known_action(text: &str) -> Result<Action, &'static str> {
    let message = "must be \"create\", \"read\", \"update\" or \"delete\"";
    Action::ALL.into_iter().find(|action| action.as_str() == text).ok_or(message)
}
