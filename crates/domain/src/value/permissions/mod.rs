use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

mod words;

use super::heap_block;
use super::stored::without_halves;

pub use words::InvalidWords;

/// What a key may do, or what a caller asks of it: actions by resource, in the order they were given.
///
/// `*` as a resource stands for every resource, `*` as an action for every action. On the key's side it grants them
/// all; on the asked side it asks for them all, which nothing but a `*` in the same place grants. A bare list of actions
/// is short for those actions of `*`.
///
/// | the key has | is asked for | granted |
/// |---|---|---|
/// | `{"*":["read"]}`, or `["read"]` | `{"files":["read"]}`, `{"*":["read"]}`, `["read"]` | yes |
/// | `{"*":["read"]}` | `{"files":["write"]}`, `{"files":["*"]}` | no |
/// | `{"files":["*"]}` | `{"files":["read","delete"]}`, `{"files":["*"]}` | yes |
/// | `{"files":["*"]}` | `{"users":["read"]}`, `{"*":["read"]}` | no |
/// | `{"files":["write"],"*":["read"]}` | `{"files":["read","write"]}` | yes |
/// | `{"*":["*"]}` | anything but nothing | yes |
///
/// A `*` stands alone: `file*` and `read:*` are names.
///
/// At rest and on the wire this is one JSON text, an object of string arrays; that text is kept as it came, so
/// that what Better Auth wrote is what it reads back.
#[derive(Clone, PartialEq, Eq)]
pub struct Permissions {
    json: Box<str>,
    actions: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// A JSON text that holds no permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object of string arrays")]
pub struct InvalidPermissions;

/// Every resource, or every action.
const ALL: &str = "*";

impl Permissions {
    /// Reads a JSON object of string arrays, or a bare array of strings, which is taken as the actions of `*`.
    pub fn from_json(value: &Value) -> Result<Self, InvalidPermissions> {
        match value {
            Value::Array(_) => {
                let actions = texts(value).ok_or(InvalidPermissions)?;
                Ok(Self::from_actions([(ALL.into(), actions)].into()))
            }
            Value::Object(resources) => {
                let actions =
                    resources.iter().map(|(resource, actions)| Some((resource.as_str().into(), texts(actions)?)));
                let actions = actions.collect::<Option<_>>().ok_or(InvalidPermissions)?;
                Ok(Self { json: value.to_string().into(), actions })
            }
            _ => Err(InvalidPermissions),
        }
    }

    /// These actions of these resources: `&[("files", &["read", "write"])]`. Of a resource that comes twice the last counts.
    pub fn of(resources: &[(&str, &[&str])]) -> Self {
        let json: serde_json::Map<_, _> =
            resources.iter().map(|(resource, actions)| ((*resource).to_owned(), Value::from(*actions))).collect();
        let actions = resources
            .iter()
            .map(|(resource, actions)| ((*resource).into(), actions.iter().map(|action| (*action).into()).collect()));
        Self { json: Value::Object(json).to_string().into(), actions: actions.collect() }
    }

    /// Reads the JSON text of a stored row; the text `null` means none, as Better Auth's update writes it
    /// (docs/better-auth-wire.md 13.11), and so does an empty one. No writer of rows leaves a bare list there. Of an action with half
    /// a character, which Better Auth takes, nobody can ask for that half.
    pub fn from_stored(text: &str) -> Result<Option<Self>, InvalidPermissions> {
        if text.is_empty() {
            return Ok(None);
        }
        match serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_halves(text))) {
            Ok(Value::Null) => Ok(None),
            Ok(value @ Value::Object(_)) => Self::from_json(&value).map(Some),
            _ => Err(InvalidPermissions),
        }
    }

    /// The JSON text, for a row or an answer.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// Bytes that the permissions hold on the heap, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        let text = |text: &str| heap_block(text.len());
        // A node of the tree is at least half full.
        let places = 2 * size_of::<(Box<str>, Vec<Box<str>>)>() * self.actions.len();
        let resources: usize = self.actions.keys().map(|resource| text(resource)).sum();
        let lists: usize = self.actions.values().map(|list| heap_block(size_of::<Box<str>>() * list.capacity())).sum();
        let actions: usize = self.actions.values().flatten().map(|action| text(action)).sum();
        text(&self.json) + places + resources + lists + actions
    }

    /// Whether every action of every resource in `asked` is granted here. Asking for nothing, or for no action of a
    /// resource, is refused (docs/better-auth-wire.md 8.3).
    pub fn grant(&self, asked: &Self) -> bool {
        self.missing(asked).is_none()
    }

    /// What of `asked` is not granted here; `None` = all of it is. Where nothing in particular is asked for, what is
    /// missing names nothing in particular either.
    pub fn missing(&self, asked: &Self) -> Option<Self> {
        let of_all = self.actions_of(ALL);
        asked.not_granted(|resource, action| {
            [self.actions_of(resource), of_all]
                .into_iter()
                .flatten()
                .any(|granted| **granted == *action || **granted == *ALL)
        })
    }

    /// As [`Permissions::missing`], where a `*` is a name like any other, as Better Auth has it.
    fn missing_by_name(&self, asked: &Self) -> Option<Self> {
        asked.not_granted(|resource, action| self.actions_of(resource).iter().any(|granted| **granted == *action))
    }

    /// Those of these permissions that `grants` does not grant; `None` = none of them, and there are some.
    fn not_granted(&self, grants: impl Fn(&str, &str) -> bool) -> Option<Self> {
        let mut missing = BTreeMap::new();
        for (resource, asked) in &self.actions {
            let lacking: Vec<_> = asked.iter().filter(|action| !grants(resource, action)).cloned().collect();
            if asked.is_empty() || !lacking.is_empty() {
                missing.insert(resource.clone(), lacking);
            }
        }
        (self.actions.is_empty() || !missing.is_empty()).then(|| Self::from_actions(missing))
    }

    /// The actions of a resource by its very name.
    fn actions_of(&self, resource: &str) -> &[Box<str>] {
        self.actions.get(resource).map_or(&[], Vec::as_slice)
    }

    /// What of these permissions a key does not grant that has `granted`; `None` = nothing. Without `wildcards` its stars
    /// are names.
    pub fn lacking_in(&self, granted: Option<&Self>, wildcards: bool) -> Option<Self> {
        match granted {
            Some(granted) if wildcards => granted.missing(self),
            Some(granted) => granted.missing_by_name(self),
            None => Some(self.clone()),
        }
    }

    /// Every action with its resource, sorted by resource.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.actions.iter().flat_map(|(resource, actions)| actions.iter().map(|action| (&**resource, &**action)))
    }

    /// Takes actions with their resources.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut actions: BTreeMap<Box<str>, Vec<Box<str>>> = BTreeMap::new();
        for (resource, action) in pairs {
            actions.entry(resource.into()).or_default().push(action.into());
        }
        Self::from_actions(actions)
    }

    fn from_actions(actions: BTreeMap<Box<str>, Vec<Box<str>>>) -> Self {
        let texts = |actions: &Vec<Box<str>>| actions.iter().map(|action| Value::from(&**action)).collect();
        let resources = actions.iter().map(|(resource, actions)| (resource.to_string(), Value::Array(texts(actions))));
        Self { json: Value::Object(resources.collect()).to_string().into(), actions }
    }
}

fn texts(value: &Value) -> Option<Vec<Box<str>>> {
    value.as_array()?.iter().map(|text| text.as_str().map(Into::into)).collect()
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({})", self.json)
    }
}

#[cfg(test)]
mod tests;
