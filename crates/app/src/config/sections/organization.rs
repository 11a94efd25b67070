use toml::Value;

use crate::config::section::Section;
use crate::config::source::{Faults, Node};
use crate::config::values::{entries, list, parsed};

const ACTIONS: [&str; 4] = ["create", "read", "update", "delete"];

/// Checks the section; there is nothing yet to hand its values to.
pub(in crate::config) fn read(section: &mut Section<'_, '_>) {
    section.text("creator_role", "text", "owner".to_owned(), role_name);
    let kind = "table of lists of \"create\", \"read\", \"update\" and \"delete\"";
    // As in Better Auth, only the creator's role may do anything until roles say more.
    section.read("roles", kind, Vec::new(), |_| Some(Value::Table(toml::Table::new())), roles);
}

fn role_name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(',') {
        Err("must be a role's name, without commas")
    } else {
        Ok(text.to_owned())
    }
}

fn roles(node: &Node) -> Result<Vec<(&str, Vec<&'static str>)>, Faults> {
    entries(node, |actions| list(actions, |action| parsed(action, known_action)))
}

fn known_action(text: &str) -> Result<&'static str, &'static str> {
    let message = "must be \"create\", \"read\", \"update\" or \"delete\"";
    ACTIONS.into_iter().find(|action| *action == text).ok_or(message)
}
