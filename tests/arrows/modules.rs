//! The modules of one crate: which of them uses which, read from their sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The file in which one module uses another.
pub(crate) type Arrows = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// Returns which top-level module of the crate in `src` uses which other one.
///
/// # Panics
///
/// Panics if a path begins at the crate's root with a name that is not a module: re-exports in `lib.rs` hide which
/// module uses which.
pub(crate) fn arrows(src: &Path) -> Arrows {
    let files = files(src);
    let modules: BTreeSet<_> = files.iter().filter_map(|file| module_of(src, file).into_iter().next()).collect();
    let mut arrows = Arrows::new();
    for file in files {
        let module = module_of(src, &file);
        let Some(from) = module.first().cloned() else { continue };
        for to in used_by(&module, &fs::read_to_string(&file).unwrap()) {
            assert!(modules.contains(&to), "{} reaches {to} through lib.rs", file.display());
            if to != from {
                arrows.entry(from.clone()).or_default().entry(to).or_insert_with(|| file.clone());
            }
        }
    }
    arrows
}

/// Returns modules that use each other in a circle, the first one again at the end.
pub(crate) fn cycle(arrows: &Arrows) -> Option<Vec<String>> {
    let mut finished = BTreeSet::new();
    arrows.keys().find_map(|module| visit(module, arrows, &mut Vec::new(), &mut finished))
}

fn visit(
    module: &str,
    arrows: &Arrows,
    path: &mut Vec<String>,
    finished: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|earlier| earlier == module) {
        return Some(path[start..].iter().cloned().chain([module.to_owned()]).collect());
    }
    if finished.contains(module) {
        return None;
    }
    path.push(module.to_owned());
    let mut next = arrows.get(module).into_iter().flat_map(BTreeMap::keys);
    let found = next.find_map(|next| visit(next, arrows, path, finished));
    path.pop();
    finished.insert(module.to_owned());
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let found = paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Returns the path of the module in a file; `lib.rs` is the root.
fn module_of(src: &Path, file: &Path) -> Vec<String> {
    let path = file.strip_prefix(src).unwrap().with_extension("");
    let mut names: Vec<_> = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names.last().is_some_and(|name| name == "mod" || name == "lib") {
        names.pop();
    }
    names
}

/// Returns the top-level modules that the source of `module` names, its own among them.
fn used_by(module: &[String], source: &str) -> BTreeSet<String> {
    let tokens = tokens(source);
    let mut used = BTreeSet::new();
    // The depths of braces at which modules within the file begin.
    let (mut inner, mut depth) = (Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at].as_str();
        match token {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inner.retain(|begin| *begin < depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|token| token == "{") => inner.push(depth),
            "crate" | "super" if at == 0 || tokens[at - 1] != "::" => {
                let steps = tokens[at..].chunks(2).take_while(|step| *step == ["super", "::"]).count();
                let is_at_root = token == "crate" || steps == module.len() + inner.len();
                let from = at + if token == "crate" { 2 } else { 2 * steps };
                if is_at_root && tokens.get(from - 1).is_some_and(|token| token == "::") {
                    used.extend(heads(&tokens[from..]));
                }
            }
            _ => {}
        }
        at += 1;
    }
    used
}

/// Returns the first names of a path, or of each path in braces.
fn heads(tokens: &[String]) -> Vec<String> {
    if tokens.first().is_none_or(|token| token != "{") {
        return tokens.first().cloned().into_iter().collect();
    }
    let (mut heads, mut depth) = (Vec::new(), 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            name if depth == 1 && name != "," && matches!(tokens[at - 1].as_str(), "{" | ",") => {
                heads.push(name.to_owned());
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// Returns names, `::` and single other characters, without comments and literals.
fn tokens(source: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_string(rest) {
            let (begin, end) = (hashes + 2, format!("\"{}", "#".repeat(hashes)));
            rest[begin..].find(&end).map_or(rest.len(), |found| begin + found + end.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if rest.starts_with("'\\") || (first == '\'' && rest.chars().nth(2) == Some('\'')) {
            quoted(rest, '\'')
        } else if is_name(first) {
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// Returns the number of `#` with which a raw string begins.
fn raw_string(text: &str) -> Option<usize> {
    let text = text.strip_prefix('r')?;
    let hashes = text.len() - text.trim_start_matches('#').len();
    text[hashes..].starts_with('"').then_some(hashes)
}

/// Returns the length of a literal, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, c)| at + c.len_utf8())
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let source = r#"
        //! Not [`crate::comment`].
        use crate::{one::{self, Two}, three};
        use super::sibling;
        pub(crate) fn four(_: crate::five::Six) -> char {
            let _ = ("crate::text", r"crate::raw", '"', super::super::seven());
            '\''
        }
        mod tests {
            use super::super::super::eight::{self};
            use super::super::{not, these};
        }
        use super::super::{nine, ten::Eleven};
    "#;
    let module = ["a".to_owned(), "b".to_owned()];
    let found: Vec<_> = used_by(&module, source).into_iter().collect();
    assert_eq!(found, ["eight", "five", "nine", "one", "seven", "ten", "three"]);
}

#[test]
fn a_cycle_is_named() {
    let arrows = |pairs: &[(&str, &str)]| {
        let mut arrows = Arrows::new();
        for (from, to) in pairs {
            arrows.entry((*from).to_owned()).or_default().insert((*to).to_owned(), PathBuf::new());
        }
        arrows
    };
    assert_eq!(cycle(&arrows(&[("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")])), None);
    let found = cycle(&arrows(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")])).unwrap();
    assert_eq!(found, ["b", "c", "d", "b"]);
}
