use std::path::Path;
use std::{fmt, fs};

use clap::ValueEnum;
use serde::Serialize;

use crate::Failure;

/// Which keys requests show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pick {
    /// Random ones of those with a quota and a rate limit.
    Spread,
    /// Always the same one, which has both.
    Hot,
    /// Random ones of those without a quota and a limit, of which there are as many more.
    Unlimited,
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Spread => "spread",
            Self::Hot => "hot",
            Self::Unlimited => "unlimited",
        })
    }
}

/// Texts of keys.
#[derive(Debug, Clone)]
pub(crate) enum Texts {
    /// Of a beginning and a number, so that ten million of them need no list.
    Numbered { beginning: &'static str, count: usize },
    /// As a server made them.
    Listed(Vec<String>),
}

impl Texts {
    /// Keys with a quota and a rate limit.
    pub(crate) fn limited(count: usize) -> Self {
        Self::Numbered { beginning: "sk_L", count }
    }

    /// Keys without.
    pub(crate) fn unlimited(count: usize) -> Self {
        Self::Numbered { beginning: "sk_U", count }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Numbered { count, .. } => *count,
            Self::Listed(texts) => texts.len(),
        }
    }

    /// A text as long as a generated one; `number` is below the count.
    pub(crate) fn text(&self, number: usize) -> String {
        match self {
            Self::Numbered { beginning, .. } => format!("{beginning}{number:0>42}"),
            Self::Listed(texts) => texts[number].clone(),
        }
    }

    /// The first one alone.
    pub(crate) fn first(&self) -> Self {
        match self {
            Self::Numbered { beginning, .. } => Self::Numbered { beginning, count: 1 },
            Self::Listed(texts) => Self::Listed(texts[..1].to_vec()),
        }
    }

    /// How wrk's script is told of them; a list goes into a file in `folder`.
    pub(crate) fn argument(&self, folder: &Path, name: &str) -> Result<String, Failure> {
        match self {
            Self::Numbered { beginning, .. } => Ok((*beginning).to_owned()),
            Self::Listed(texts) => {
                let file = folder.join(name);
                fs::write(&file, texts.join("\n"))?;
                Ok(format!("@{}", file.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_text_is_as_long_as_a_generated_one() {
        let texts = Texts::limited(10_000_000);
        assert_eq!(texts.text(9_999_999), "sk_L000000000000000000000000000000000009999999");
        assert_eq!(texts.text(0).len(), "sk_".len() + 43);
    }
}
