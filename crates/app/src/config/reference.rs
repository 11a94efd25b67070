use toml::Value;

use super::KeyPath;

/// A key of the configuration as the code knows it, for documents to be held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its path; an entry of a list is `[]`, as in `api_key[].key_length`.
    pub path: String,
    /// Its type and range, in words.
    pub kind: String,
    /// Its default; `None` = none.
    pub default: Option<Value>,
}

impl Key {
    pub(super) fn new(path: &KeyPath, kind: String, default: Option<Value>) -> Self {
        Self { path: path.without_indices(), kind, default }
    }
}
