//! The tables of `docs/permissions.md`.

#![expect(clippy::unwrap_used, reason = "test support")]

use keymint_domain::Permissions;
use percent_encoding::percent_decode_str;

const DOCUMENT: &str = include_str!("../../../docs/permissions.md");

fn permissions(cell: &str) -> Permissions {
    Permissions::from_json(&serde_json::from_str(cell.trim_matches('`')).unwrap()).unwrap()
}

/// Returns the cells of the rows below `head`.
fn rows(head: &str) -> Vec<Vec<&str>> {
    let (_, table) = DOCUMENT.split_once(head).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Returns the texts between backquotes.
fn codes(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_line_of_the_document_is_so() {
    let rows = rows("| Permissions | Line | In a URL's query, encoded once more |");
    assert!(rows.len() > 5, "{} rows", rows.len());
    for row in rows {
        let [json, lines, query] = row[..] else { panic!("{row:?}") };
        for line in codes(lines) {
            let expected = codes(json).first().map(|json| permissions(json));
            assert_eq!(Permissions::from_words(line).ok(), expected, "{line}");
        }
        let decoded = codes(query).first().map(|query| percent_decode_str(query).decode_utf8().unwrap());
        assert!(decoded.is_none_or(|decoded| decoded == codes(lines)[0]), "{query}");
    }
}

#[test]
fn every_row_of_the_document_is_so() {
    let rows = rows("| The key has | Asked for | Granted | Missing |");
    assert!(rows.len() > 10, "{} rows", rows.len());
    for row in rows {
        let [key, asked, granted, missing] = row[..] else { panic!("{row:?}") };
        let missing = (!missing.is_empty()).then(|| permissions(missing));
        assert_eq!(permissions(key).missing(&permissions(asked)), missing, "{key} {asked}");
        assert_eq!(missing.is_none(), granted == "yes", "{key} {asked}");
    }
}
