//! The table of `docs/permissions.md`.

#![expect(clippy::unwrap_used, reason = "test support")]

use keymint_domain::Permissions;

const DOCUMENT: &str = include_str!("../../../docs/permissions.md");

fn permissions(cell: &str) -> Permissions {
    Permissions::from_json(&serde_json::from_str(cell.trim_matches('`')).unwrap()).unwrap()
}

#[test]
fn every_row_of_the_document_is_so() {
    let (_, table) =
        DOCUMENT.split_once("| The key has | Asked for | Granted | Missing |\n|---|---|---|---|\n").unwrap();
    let rows: Vec<Vec<_>> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 10, "{} rows", rows.len());
    for row in rows {
        let [key, asked, granted, missing] = row[..] else { panic!("{row:?}") };
        let missing = (!missing.is_empty()).then(|| permissions(missing));
        assert_eq!(permissions(key).missing(&permissions(asked)), missing, "{key} {asked}");
        assert_eq!(missing.is_none(), granted == "yes", "{key} {asked}");
    }
}
