use keymint_domain::Permissions;
use serde_json::Value as Json;

use crate::config::section::Section;
use crate::config::source::{Node, ValueProblems};
use crate::config::values::{entries, list};

/// Reads actions by resource, or a bare list of actions.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Permissions> {
    let kind = "table of lists of text, or list of text";
    section.read(
        "permissions",
        kind,
        None,
        |permissions: &Option<_>| show(permissions.as_ref()),
        |node| parse(node).map(Some),
    )
}

fn parse(node: &Node) -> Result<Permissions, ValueProblems> {
    let permissions = if node.is_list() {
        actions(node)?
    } else {
        let resources = entries(node, actions)?;
        Json::Object(resources.into_iter().map(|(resource, actions)| (resource.to_owned(), actions)).collect())
    };
    Permissions::from_json(&permissions).or_else(|error| node.wrong(error.to_string()))
}

fn actions(node: &Node) -> Result<Json, ValueProblems> {
    let actions = list(node, |action| action.text().map(Json::from))?;
    Ok(Json::Array(actions))
}

fn show(permissions: Option<&Permissions>) -> Option<toml::Value> {
    serde_json::from_str(permissions?.as_json()).ok()
}
