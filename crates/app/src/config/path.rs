use std::fmt;

/// The position of a value in the configuration: `api_key[1].rate_limit.window_ms`. The empty path is the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(Vec<Step>);

/// One step of a path: into a list or into a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Index(usize),
    Key(String),
}

impl KeyPath {
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    pub(super) fn key(&self, key: impl Into<String>) -> Self {
        self.join([Step::Key(key.into())])
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.join([Step::Index(index)])
    }

    pub(super) fn join(&self, steps: impl IntoIterator<Item = Step>) -> Self {
        Self(self.0.iter().cloned().chain(steps).collect())
    }

    /// Returns the path without indices, as documents name a key of a list's entries: `api_key[].key_length`.
    pub(super) fn without_indices(&self) -> String {
        self.write_with(|_| "[]".into())
    }

    fn write_with(&self, index: impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Index(at) => text.push_str(&index(*at)),
                Step::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(&quoted_if_needed(key));
                }
            }
        }
        text
    }
}

impl FromIterator<Step> for KeyPath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write_with(|index| format!("[{index}]")))
    }
}

/// Quotes a key unless it is one of TOML's bare keys. This also keeps control characters out of a terminal.
fn quoted_if_needed(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { format!("{key:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_people_write_it() {
        let path = KeyPath::default().key("api_key").index(1).key("permissions").key("a.b\n");
        assert_eq!(path.to_string(), r#"api_key[1].permissions."a.b\n""#);
        assert_eq!(path.without_indices(), r#"api_key[].permissions."a.b\n""#);
        assert_eq!(KeyPath::default().to_string(), "");
    }
}
