use toml::Value;

use super::KeyPath;

/// A key of the configuration as the code knows it, to compare documents with.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The key's path; an entry of a list is `[]`, as in `api_key[].key_length`.
    pub path: String,
    /// The key's type and range, in words.
    pub kind: String,
    /// The key's default; `None` = none.
    pub default: Option<Value>,
}

impl Key {
    pub(super) fn new(path: &KeyPath, kind: String, default: Option<Value>) -> Self {
        Self { path: path.without_indices(), kind, default }
    }
}
