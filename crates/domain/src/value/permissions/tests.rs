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
    for none in ["null", ""] {
        assert_eq!(Permissions::from_stored(none), Ok(None));
    }
    let odd = permissions(r#"{"files":["read","\ud800"]}"#);
    assert!(odd.grant(&permissions(r#"{"files":["read"]}"#)));
    for text in ["[]", "5", r#"["read"]"#, r#"{"a":"read"}"#, r#"{"a":[1]}"#, r#"{"a":null}"#, "{"] {
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

    /// A permission that is granted by name is granted. Without a star on the key's side both results are equal, and
    /// the stars on the required side are names.
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

    /// A star stands for every name: a key that grants it grants any name in its place.
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
