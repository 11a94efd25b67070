use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

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
    /// (wire document 15.11). No writer of rows leaves a bare list there.
    pub fn from_stored(text: &str) -> Result<Option<Self>, InvalidPermissions> {
        match serde_json::from_str(text) {
            Ok(Value::Null) => Ok(None),
            Ok(value @ Value::Object(_)) => Self::from_json(&value).map(Some),
            _ => Err(InvalidPermissions),
        }
    }

    /// The JSON text, for a row or an answer.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// Whether every action of every resource in `asked` is granted here. Asking for nothing, or for no action of a
    /// resource, is refused (wire document 8.3).
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permissions(json: &str) -> Permissions {
        Permissions::from_stored(json).unwrap().unwrap()
    }

    #[test]
    fn every_asked_action_must_be_granted() {
        let key = permissions(r#"{"files":["read","write"],"users":["read"]}"#);
        for (asked, granted) in [
            (r#"{"files":["read"]}"#, true),
            (r#"{"files":["write","read"],"users":["read"]}"#, true),
            (r#"{"files":["delete"]}"#, false),
            (r#"{"files":["read"],"users":["write"]}"#, false),
            (r#"{"Files":["read"]}"#, false),
            (r#"{"*":["read"]}"#, false),
            (r#"{"files":["*"]}"#, false),
            (r#"{"files":[]}"#, false),
            ("{}", false),
        ] {
            assert_eq!(key.grant(&permissions(asked)), granted, "{asked}");
        }
        for (asked, missing) in [
            (r#"{"files":["read"]}"#, None),
            (r#"{"files":["read","delete"],"users":["read"]}"#, Some(r#"{"files":["delete"]}"#)),
            (r#"{"keys":["read"]}"#, Some(r#"{"keys":["read"]}"#)),
            (r#"{"keys":[]}"#, Some(r#"{"keys":[]}"#)),
            ("{}", Some("{}")),
        ] {
            assert_eq!(key.missing(&permissions(asked)), missing.map(permissions), "{asked}");
        }
    }

    #[test]
    fn a_star_grants_all_and_only_a_star_grants_a_star() {
        for (key, asked, granted) in [
            (r#"{"*":["read"]}"#, r#"{"files":["read"]}"#, true),
            (r#"{"*":["read"]}"#, r#"{"files":["read"],"users":["read"]}"#, true),
            (r#"{"*":["read"]}"#, r#"{"*":["read"]}"#, true),
            (r#"{"*":["read"]}"#, r#"{"files":["write"]}"#, false),
            (r#"{"*":["read"]}"#, r#"{"files":["*"]}"#, false),
            (r#"{"files":["*"]}"#, r#"{"files":["read","delete"]}"#, true),
            (r#"{"files":["*"]}"#, r#"{"files":["*"]}"#, true),
            (r#"{"files":["*"]}"#, r#"{"users":["read"]}"#, false),
            (r#"{"files":["*"]}"#, r#"{"*":["read"]}"#, false),
            (r#"{"files":["*"]}"#, r#"{"*":["*"]}"#, false),
            (r#"{"files":["write"],"*":["read"]}"#, r#"{"files":["read","write"]}"#, true),
            (r#"{"files":["write"],"*":["read"]}"#, r#"{"users":["write"]}"#, false),
            (r#"{"*":["*"]}"#, r#"{"files":["read"],"users":["*"],"*":["write"]}"#, true),
            (r#"{"*":["*"]}"#, r#"{"files":[]}"#, false),
            (r#"{"*":["*"]}"#, "{}", false),
            (r#"{"*":[]}"#, r#"{"files":["read"]}"#, false),
            (r#"{"file*":["re*"]}"#, r#"{"files":["read"]}"#, false),
            (r#"{"file*":["re*"]}"#, r#"{"file*":["re*"]}"#, true),
        ] {
            assert_eq!(permissions(key).grant(&permissions(asked)), granted, "{key} {asked}");
        }
        let (key, asked) = (permissions(r#"{"*":["read"]}"#), permissions(r#"{"files":["read","*"]}"#));
        assert_eq!(key.missing(&asked), Some(permissions(r#"{"files":["*"]}"#)));
    }

    #[test]
    fn by_name_a_star_is_a_name_like_any_other() {
        for (key, asked, granted) in [
            (r#"{"*":["read"]}"#, r#"{"files":["read"]}"#, false),
            (r#"{"files":["*"]}"#, r#"{"files":["read"]}"#, false),
            (r#"{"*":["*"]}"#, r#"{"*":["read"]}"#, false),
            (r#"{"*":["read"]}"#, r#"{"*":["read"]}"#, true),
        ] {
            assert_eq!(permissions(key).missing_by_name(&permissions(asked)).is_none(), granted, "{key} {asked}");
        }
    }

    #[test]
    fn a_bare_list_is_of_every_resource() {
        let list = Permissions::from_json(&serde_json::json!(["read", "write"])).unwrap();
        assert_eq!(list, permissions(r#"{"*":["read","write"]}"#));
        assert_eq!(list.as_json(), r#"{"*":["read","write"]}"#);
        assert_eq!(Permissions::from_json(&serde_json::json!(["read", 1])), Err(InvalidPermissions));
    }

    #[test]
    fn what_code_spells_out_is_what_json_says() {
        let spelled = Permissions::of(&[("files", &["read", "write"]), ("users", &[])]);
        assert_eq!(spelled, permissions(r#"{"files":["read","write"],"users":[]}"#));
    }

    #[test]
    fn only_objects_of_string_arrays_are_permissions() {
        assert_eq!(Permissions::from_stored("null"), Ok(None));
        for text in ["", "[]", "5", r#"["read"]"#, r#"{"a":"read"}"#, r#"{"a":[1]}"#, r#"{"a":null}"#, "{"] {
            assert_eq!(Permissions::from_stored(text), Err(InvalidPermissions), "{text}");
        }
    }

    #[test]
    fn permissions_are_pairs_of_resource_and_action() {
        let of_pairs = Permissions::from_pairs([("users", "read"), ("files", "read"), ("files", "write")]);
        assert_eq!(of_pairs, permissions(r#"{"files":["read","write"],"users":["read"]}"#));
        let pairs: Vec<_> = of_pairs.pairs().collect();
        assert_eq!(pairs, [("files", "read"), ("files", "write"), ("users", "read")]);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(map in prop::collection::btree_map(".*", prop::collection::vec(".*", 0..4), 0..4)) {
            let read = Permissions::from_json(&serde_json::json!(map)).unwrap();
            prop_assert_eq!(permissions(read.as_json()), read);
        }

        /// What is granted by name is granted; without a star on the key's side there is no difference, and the stars
        /// on the asked side are names.
        #[test]
        fn stars_only_add(
            key in prop::collection::btree_map("[ab*]", prop::collection::vec("[rw*]", 0..3), 0..3),
            asked in prop::collection::btree_map("[ab*]", prop::collection::vec("[rw*]", 0..3), 0..3),
        ) {
            let has_star = key.iter().any(|(resource, actions)| resource == "*" || actions.iter().any(|a| a == "*"));
            let [key, asked] = [key, asked].map(|map| Permissions::from_json(&serde_json::json!(map)).unwrap());
            let (missing, by_name) = (key.missing(&asked), key.missing_by_name(&asked));
            prop_assert!(by_name.is_some() || missing.is_none());
            prop_assert!(has_star || missing == by_name);
        }

        /// A star stands for every name: whoever is granted it is granted any name in its place.
        #[test]
        fn who_is_granted_a_star_is_granted_every_name(
            key in prop::collection::btree_map("[ab*]", prop::collection::vec("[rw*]", 0..3), 0..3),
            resource in "[ab*]", action in "[rw*]", name in "[a-z]{1,3}",
        ) {
            let key = Permissions::from_json(&serde_json::json!(key)).unwrap();
            let grants = |resource: &str, action: &str| key.grant(&Permissions::of(&[(resource, &[action])]));
            prop_assert!(!grants("*", &action) || grants(&name, &action));
            prop_assert!(!grants(&resource, "*") || grants(&resource, &name));
        }
    }
}
