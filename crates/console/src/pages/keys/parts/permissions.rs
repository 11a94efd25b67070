use keymint_domain::Permissions;
use keymint_service::KeyOptions;

use crate::form::{Fields, Problems};

/// The picker of permissions.
#[derive(Default)]
pub(in crate::pages::keys) struct Picker {
    /// The permissions that are offered.
    pub(in crate::pages::keys) choices: Vec<ResourceChoice>,
    /// The permissions of a key for which none are chosen.
    pub(in crate::pages::keys) default: Vec<String>,
    /// The permissions of the key that its form does not offer.
    pub(in crate::pages::keys) others: Vec<String>,
    /// True if permissions may also be written as text.
    pub(in crate::pages::keys) may_write: bool,
}

impl Picker {
    /// Returns true if there is something to see.
    pub(in crate::pages::keys) fn is_shown(&self) -> bool {
        let Self { choices, default, others, may_write } = self;
        *may_write || !(choices.is_empty() && default.is_empty() && others.is_empty())
    }
}

/// The offered actions of a resource.
pub(in crate::pages::keys) struct ResourceChoice {
    pub(in crate::pages::keys) resource: String,
    pub(in crate::pages::keys) actions: Vec<ActionChoice>,
}

/// An offered action.
pub(in crate::pages::keys) struct ActionChoice {
    /// The pair in JSON, since both words may have any character.
    pub(in crate::pages::keys) value: String,
    pub(in crate::pages::keys) action: String,
    pub(in crate::pages::keys) about: Option<String>,
    pub(in crate::pages::keys) is_chosen: bool,
}

impl ResourceChoice {
    /// Returns the permissions that may be granted; `chosen` has those that are ticked, as pairs in JSON.
    pub(in crate::pages::keys) fn all(options: &KeyOptions<'_>, chosen: &[String]) -> Vec<Self> {
        let Some(grantable) = &options.grantable else { return Vec::new() };
        let descriptions = &options.configuration.permission_descriptions;
        let mut resources: Vec<Self> = Vec::new();
        for (resource, action) in grantable.pairs() {
            let value = serde_json::json!([resource, action]).to_string();
            let word = format!("{resource}:{action}");
            let about = descriptions.iter().find(|(described, _)| *described == word).map(|(_, about)| about.clone());
            let choice = ActionChoice { is_chosen: chosen.contains(&value), value, action: action.to_owned(), about };
            match resources.last_mut().filter(|last| last.resource == resource) {
                Some(last) => last.actions.push(choice),
                None => resources.push(Self { resource: resource.to_owned(), actions: vec![choice] }),
            }
        }
        resources
    }
}

/// Reads the permissions: those that were picked, and those that an operator wrote. `None` = the form has none.
pub(in crate::pages::keys) fn picked(form: &Fields, may_write: bool, problems: &mut Problems) -> Option<Permissions> {
    let pairs: Option<Vec<(String, String)>> =
        form.all("permission").map(|pair| serde_json::from_str(pair).ok()).collect();
    let Some(mut pairs) = pairs else {
        problems.add("permissions", "Pick from the permissions that are offered.");
        return None;
    };
    if let Some(text) = form.get("more-permissions").filter(|_| may_write) {
        let line = text.split_whitespace().flat_map(|part| part.split(',')).filter(|word| !word.is_empty());
        match Permissions::from_words(&line.collect::<Vec<_>>().join(",")) {
            Ok(more) => pairs.extend(more.pairs().map(|(resource, action)| (resource.to_owned(), action.to_owned()))),
            Err(error) => {
                problems.add("more-permissions", format!("Write resource:action, one a line: {error}."));
                return None;
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let pairs = pairs.iter().map(|(resource, action)| (resource.as_str(), action.as_str()));
    (pairs.len() > 0).then(|| Permissions::from_pairs(pairs))
}

/// Returns each action with its resource, as people write them.
pub(in crate::pages::keys) fn words(permissions: &Permissions) -> Vec<String> {
    permissions.pairs().map(|(resource, action)| format!("{resource}:{action}")).collect()
}
