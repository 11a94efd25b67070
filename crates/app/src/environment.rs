//! The process environment, which is read only here and passed on as a value.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// Returns the name of the user of the operating system that this process runs as; `unknown` if it has none.
pub fn system_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".to_owned())
}

/// Environment variables by name. It is a value, so that tests can make their own.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Returns the variables of this process.
    #[expect(clippy::disallowed_methods, reason = "this is where everybody else gets the environment from")]
    pub fn of_process() -> Self {
        // A name that is not UTF-8 is kept, converted lossily, so that it is reported if it has our prefix.
        Self(std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value)).collect())
    }

    /// Returns the value of one variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// Returns the same variables, with this value of `name`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Returns all variables, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Prints only names: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_printed() {
        let environment = Environment::from_iter([("KEYMINT_SECRET", "hush")]);
        assert_eq!(format!("{environment:?}"), r#"{"KEYMINT_SECRET"}"#);
        assert_eq!(environment.get("KEYMINT_SECRET"), Some(OsStr::new("hush")));
    }
}
