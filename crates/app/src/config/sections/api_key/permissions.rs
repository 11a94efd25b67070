use keymint_domain::Permissions;
use keymint_domain::organization::RoleName;
use serde_json::Value as Json;

use crate::config::section::Section;
use crate::config::source::{Node, ValueProblems};
use crate::config::values::{entries, list};

/// Reads actions by resource, or a bare list of actions.
pub(super) fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Permissions> {
    let kind = "table of lists of text, or list of text";
    section.read(key, kind, None, |permissions: &Option<_>| show(permissions.as_ref()), |node| parse(node).map(Some))
}

/// Reads permissions by role.
pub(super) fn read_by_role(section: &mut Section<'_, '_>) -> Vec<(RoleName, Permissions)> {
    let shown = |roles: &Vec<(RoleName, Permissions)>| {
        let roles = roles.iter().filter_map(|(role, own)| Some((role.as_str().to_owned(), show(Some(own))?)));
        Some(toml::Value::Table(roles.collect()))
    };
    section.read("grantable_by_role", "table of permissions", Vec::new(), shown, |node| {
        let role = |(name, own): (&str, _)| match RoleName::parse(name) {
            Ok(name) => Ok((name, own)),
            Err(error) => node.wrong(format!("{name}: {error}")),
        };
        entries(node, parse)?.into_iter().map(role).collect()
    })
}

/// Reads descriptions of actions, by `resource:action`.
pub(super) fn read_descriptions(section: &mut Section<'_, '_>) -> Vec<(String, String)> {
    let shown = |texts: &Vec<(String, String)>| {
        let texts = texts.iter().map(|(action, text)| (action.clone(), toml::Value::from(text.as_str())));
        Some(toml::Value::Table(texts.collect()))
    };
    section.read("permission_descriptions", "table of texts", Vec::new(), shown, |node| {
        let texts = entries(node, |text| text.text().map(str::to_owned))?;
        Ok(texts.into_iter().map(|(action, text)| (action.to_owned(), text)).collect())
    })
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
