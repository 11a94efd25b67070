use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::Node;
use crate::config::{Place, Problem};

/// Reads TOML. Problems call the file `name`.
pub(in crate::config) fn parse(text: &str, name: &str) -> Result<Node, Problem> {
    let file: Arc<str> = name.into();
    let line_of = |offset: usize| Place::Line { file: Arc::clone(&file), line: position(text, offset).0, column: None };
    match DeTable::parse(text) {
        Ok(document) => {
            let root = DeValue::Table(document.into_inner());
            Ok(Node::from_parsed(root, Place::File(Arc::clone(&file)), &line_of))
        }
        Err(error) => {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            // Only the message: the error's own text shows the line, which may hold a secret.
            let place = Place::Line { file, line, column: Some(column) };
            Err(Problem::at_place(place, format!("not TOML: {}", error.message())))
        }
    }
}

/// Returns the line and column of a byte offset, counted from 1 and in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let (lines, line) = before.rsplit_once('\n').unwrap_or(("", before));
    let line_number = if before.contains('\n') { lines.matches('\n').count() + 2 } else { 1 };
    (line_number, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a = 1\n\né = x";
        for (offset, expected) in [(0, (1, 1)), (5, (1, 6)), (6, (2, 1)), (7, (3, 1)), (9, (3, 2)), (99, (3, 6))] {
            assert_eq!(position(text, offset), expected, "{offset}");
        }
    }
}
