use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

mod words;

use super::heap_block;
use super::stored::without_halves;

pub use words::InvalidWords;

/// The permissions that a key grants, or that a caller requires: actions by resource, in the order they were given.
///
/// `*` as a resource stands for every resource, `*` as an action for every action. On the key's side it grants them
/// all. On the required side it requires them all, and only a `*` in the same place grants that. A bare list of actions
/// is short for those actions of `*`.
///
/// | the key has | the caller requires | granted |
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
/// In rows and on the wire this is one JSON text, an object of string arrays. The text is kept as it came, so that
/// Better Auth reads back exactly what it wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Permissions {
    json: Box<str>,
    actions: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// The error for a JSON text that holds no permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object of string arrays")]
pub struct InvalidPermissions;

/// The star, which stands for every resource, or every action.
const ALL: &str = "*";

impl Permissions {
    /// Reads a JSON object of string arrays, or a bare array of strings, which are actions of `*`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPermissions`] for any other value.
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

    /// Makes permissions of these actions of these resources: `&[("files", &["read", "write"])]`. If a resource comes
    /// twice, the last one counts.
    pub fn of(resources: &[(&str, &[&str])]) -> Self {
        let json: serde_json::Map<_, _> =
            resources.iter().map(|(resource, actions)| ((*resource).to_owned(), Value::from(*actions))).collect();
        let actions = resources
            .iter()
            .map(|(resource, actions)| ((*resource).into(), actions.iter().map(|action| (*action).into()).collect()));
        Self { json: Value::Object(json).to_string().into(), actions: actions.collect() }
    }

    /// Reads the JSON text of a stored row.
    ///
    /// The text `null` means none, as Better Auth's update writes it (docs/better-auth-wire.md 13.11), and so does an
    /// empty text. A lone surrogate in an action, which Better Auth accepts, becomes U+FFFD, so that no request can
    /// name that action.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPermissions`] for any other text but an object of string arrays. A bare list is one too: no
    /// writer stores it.
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

    /// Returns the JSON text, for a row or an answer.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// Returns about the number of bytes that the permissions hold on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let text = |text: &str| heap_block(text.len());
        // A node of the tree is at least half full.
        let places = 2 * size_of::<(Box<str>, Vec<Box<str>>)>() * self.actions.len();
        let resources: usize = self.actions.keys().map(|resource| text(resource)).sum();
        let lists: usize = self.actions.values().map(|list| heap_block(size_of::<Box<str>>() * list.capacity())).sum();
        let actions: usize = self.actions.values().flatten().map(|action| text(action)).sum();
        text(&self.json) + places + resources + lists + actions
    }

    /// Returns true if a resource or an action is a star.
    pub fn has_star(&self) -> bool {
        self.actions
            .iter()
            .any(|(resource, actions)| &**resource == ALL || actions.iter().any(|action| &**action == ALL))
    }

    /// Returns true if every action of every resource in `asked` is granted here.
    ///
    /// Asking for nothing, or for no action of a resource, is refused (docs/better-auth-wire.md 8.3).
    pub fn grant(&self, asked: &Self) -> bool {
        self.missing(asked).is_none()
    }

    /// Returns the part of `asked` that is not granted here; `None` = all of it is granted.
    ///
    /// If `asked` is refused because it is empty, the result is empty too.
    pub fn missing(&self, asked: &Self) -> Option<Self> {
        let of_all = self.actions_of(ALL);
        asked.not_granted(|resource, action| {
            [self.actions_of(resource), of_all]
                .into_iter()
                .flatten()
                .any(|granted| **granted == *action || **granted == *ALL)
        })
    }

    /// Does the same as [`Permissions::missing`], but takes `*` as a name like any other, as Better Auth does.
    fn missing_by_name(&self, asked: &Self) -> Option<Self> {
        asked.not_granted(|resource, action| self.actions_of(resource).iter().any(|granted| **granted == *action))
    }

    /// Returns the part of these permissions that `grants` does not grant; `None` = there are some, and it grants them
    /// all.
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

    /// Returns what both these permissions and `others` grant. Without `wildcards`, stars are names.
    #[must_use]
    pub fn met(&self, others: &Self, wildcards: bool) -> Self {
        let meet = |one: &'_ str, other: &'_ str| match (one, other) {
            _ if one == other => Some(one.to_owned()),
            (ALL, other) if wildcards => Some(other.to_owned()),
            (one, ALL) if wildcards => Some(one.to_owned()),
            _ => None,
        };
        let pairs = self.pairs().flat_map(|(resource, action)| {
            others.pairs().filter_map(move |(other_resource, other_action)| {
                Some((meet(resource, other_resource)?, meet(action, other_action)?))
            })
        });
        let pairs: BTreeSet<_> = pairs.collect();
        Self::from_pairs(pairs.iter().map(|(resource, action)| (resource.as_str(), action.as_str())))
    }

    /// Returns the actions of exactly this resource.
    fn actions_of(&self, resource: &str) -> &[Box<str>] {
        self.actions.get(resource).map_or(&[], Vec::as_slice)
    }

    /// Returns the part of these permissions that a key with `granted` does not grant; `None` = it grants them all.
    ///
    /// Without `wildcards`, the key's stars are names.
    pub fn lacking_in(&self, granted: Option<&Self>, wildcards: bool) -> Option<Self> {
        match granted {
            Some(granted) if wildcards => granted.missing(self),
            Some(granted) => granted.missing_by_name(self),
            None => Some(self.clone()),
        }
    }

    /// Returns every action with its resource, sorted by resource.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.actions.iter().flat_map(|(resource, actions)| actions.iter().map(|action| (&**resource, &**action)))
    }

    /// Makes permissions of actions with their resources.
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
