use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What a key may do, or what a caller asks of it: actions by resource, in the order they were given.
///
/// At rest and on the wire this is one JSON text, an object of string arrays; that text is kept as it came, so
/// that what Better Auth wrote is what it reads back.
#[derive(Clone, PartialEq, Eq)]
pub struct Permissions {
    json: Box<str>,
    actions: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// A JSON text that is not an object of string arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object of string arrays")]
pub struct InvalidPermissions;

impl Permissions {
    /// Reads a JSON object of string arrays.
    pub fn from_json(value: &Value) -> Result<Self, InvalidPermissions> {
        let Value::Object(resources) = value else {
            return Err(InvalidPermissions);
        };
        let actions = resources.iter().map(|(resource, actions)| Some((resource.as_str().into(), texts(actions)?)));
        let actions = actions.collect::<Option<_>>().ok_or(InvalidPermissions)?;
        Ok(Self { json: value.to_string().into(), actions })
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
    /// (wire document 15.11).
    pub fn from_stored(text: &str) -> Result<Option<Self>, InvalidPermissions> {
        match serde_json::from_str(text) {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Self::from_json(&value).map(Some),
            Err(_) => Err(InvalidPermissions),
        }
    }

    /// The JSON text, for a row or an answer.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// Whether every action of every resource in `asked` is granted here.
    ///
    /// Asking for nothing, or for no action of a resource, is refused; there are no wildcards (wire document 8.3).
    pub fn grant(&self, asked: &Self) -> bool {
        self.missing(asked).is_none()
    }

    /// What of `asked` is not granted here; `None` = all of it is. Where nothing in particular is asked for, what is
    /// missing names nothing in particular either.
    pub fn missing(&self, asked: &Self) -> Option<Self> {
        let mut missing = BTreeMap::new();
        for (resource, asked) in &asked.actions {
            let granted = self.actions.get(resource).map_or(&[][..], Vec::as_slice);
            let lacking: Vec<_> = asked.iter().filter(|action| !granted.contains(action)).cloned().collect();
            if asked.is_empty() || !lacking.is_empty() {
                missing.insert(resource.clone(), lacking);
            }
        }
        (asked.actions.is_empty() || !missing.is_empty()).then(|| Self::from_actions(missing))
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
        let star = permissions(r#"{"*":["read"]}"#);
        assert!(!star.grant(&permissions(r#"{"files":["read"]}"#)), "a star is a name like any other");
    }

    #[test]
    fn what_code_spells_out_is_what_json_says() {
        let spelled = Permissions::of(&[("files", &["read", "write"]), ("users", &[])]);
        assert_eq!(spelled, permissions(r#"{"files":["read","write"],"users":[]}"#));
    }

    #[test]
    fn only_objects_of_string_arrays_are_permissions() {
        assert_eq!(Permissions::from_stored("null"), Ok(None));
        for text in ["", "[]", r#"["read"]"#, r#"{"a":"read"}"#, r#"{"a":[1]}"#, r#"{"a":null}"#, "{"] {
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
    }
}
