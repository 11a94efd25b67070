//! The first words of doc comments: the subject comes first, and headings are those that rustdoc knows.

use std::fs;
use std::path::Path;

use keymint_test_support::files;

/// The folders whose doc comments are checked, with the folders below them.
const FOLDERS: &[&str] = &["benches", "crates", "fuzz", "tests"];

/// Openings that hide the subject behind a clause.
const OPENINGS: &[&str] =
    &["How", "What", "Whatever", "When", "Where", "Wherever", "Whether", "Which", "Who", "Whoever", "Whose"];

/// Headings within a sentence. rustdoc's are lines of their own, such as `# Errors`.
const INLINE_HEADINGS: &[&str] = &["Errors:", "Panics:", "Safety:", "Examples:"];

/// A line of a doc comment.
struct Line<'t> {
    number: usize,
    text: &'t str,
    is_first: bool,
}

/// Finds the lines of all doc comments in a source file.
fn doc_lines(source: &str) -> Vec<Line<'_>> {
    let mut before = None;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let marker = ["///", "//!"].into_iter().find(|marker| line.trim_start().starts_with(marker));
        if let Some(marker) = marker {
            let text = line.trim_start().trim_start_matches(marker).trim();
            lines.push(Line { number, text, is_first: before != Some(marker) });
        }
        before = marker;
    }
    lines
}

/// Returns the rule that a line breaks.
fn complaint(line: &Line<'_>) -> Option<String> {
    let opening = line.text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if line.is_first && OPENINGS.contains(&opening) {
        return Some(format!("opens with {opening}; name the subject first"));
    }
    let heading = INLINE_HEADINGS.iter().find(|heading| line.text.starts_with(**heading))?;
    Some(format!("has {heading} in a sentence; write the heading # {}", heading.trim_end_matches(':')))
}

#[test]
fn doc_comments_name_their_subject_first() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut complaints = Vec::new();
    for folder in FOLDERS {
        let files = files::with_extension(&root.join(folder), "rs");
        assert!(!files.is_empty(), "{folder} holds no source");
        for file in files {
            let source = fs::read_to_string(&file).unwrap();
            let place = file.strip_prefix(&root).unwrap().display();
            complaints.extend(
                doc_lines(&source)
                    .iter()
                    .filter_map(|line| Some(format!("{place}:{}: {}", line.number, complaint(line)?))),
            );
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn only_first_lines_and_inline_headings_are_complained_about() {
    let source = [
        "//! Whether a module.",
        "",
        "/// A key.",
        "/// What it holds is not the first line.",
        "struct Key;",
        "",
        "// What no doc comment says is free.",
        "    /// Where, indented.",
        "    const PLACE: u8 = 0;",
        "",
        "/// Adds.",
        "///",
        "/// Errors: none.",
        "///",
        "/// # Errors",
        "fn add() {}",
    ]
    .join("\n");
    let wrong = doc_lines(&source).into_iter().filter(|line| complaint(line).is_some()).map(|line| line.number);
    assert_eq!(wrong.collect::<Vec<_>>(), [1, 8, 13]);
}
