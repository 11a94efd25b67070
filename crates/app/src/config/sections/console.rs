use std::fmt;

use keymint_domain::identity::{Email, InvalidEmail};

use crate::config::section::Section;

/// The pages for people, and the persons who operate the server by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// True if the pages are served, under `/console`.
    pub enabled: bool,
    /// The addresses of operators. An address counts once its user has proved that it is theirs.
    pub operators: Vec<OperatorAddress>,
}

/// The address of an operator, which prints whole: the configuration is the operators' own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorAddress(pub Email);

impl OperatorAddress {
    fn parse(text: &str) -> Result<Self, &'static str> {
        Email::parse(text).map(Self).map_err(|InvalidEmail| "must be an e-mail address, as in ada@example.com")
    }
}

impl fmt::Display for OperatorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Console {
    Console {
        enabled: section.boolean("enabled", true),
        operators: section.texts("operators", "list of e-mail addresses", Vec::new(), OperatorAddress::parse),
    }
}
