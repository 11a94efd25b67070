use std::path::Path;
use std::{fmt, fs};

use clap::ValueEnum;
use serde::Serialize;

use crate::Failure;

/// Which keys requests show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pick {
    /// Random ones of those with a quota and a rate limit.
    Spread,
    /// Always the same one, which has both.
    Hot,
    /// Random ones of those with a rate limit and no quota, of which there are as many more.
    RateLimited,
    /// Random ones of those without a quota and a limit, of which there are as many more.
    Unlimited,
}

impl Pick {
    /// What the keys are that it takes.
    pub(crate) fn sort(self) -> Sort {
        match self {
            Self::Spread | Self::Hot => Sort::Limited,
            Self::RateLimited => Sort::RateLimited,
            Self::Unlimited => Sort::Unlimited,
        }
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Spread => "spread",
            Self::Hot => "hot",
            Self::RateLimited => "rate-limited",
            Self::Unlimited => "unlimited",
        })
    }
}

/// What keys are alike in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// They have a quota and a rate limit, neither of which ever refuses.
    Limited,
    /// They have such a rate limit, and no quota.
    RateLimited,
    /// They have neither.
    Unlimited,
    /// They have neither, and one owner, [`OWNER_OF_MANY`].
    Owned,
    /// They have neither, and have expired.
    Expired,
}

/// Who owns the keys that are [`Sort::Owned`]. Every other key has an owner of its own.
pub(crate) const OWNER_OF_MANY: &str = "owner-of-many";

impl Sort {
    /// What tells their texts and ids from those of others.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Limited => "L",
            Self::RateLimited => "R",
            Self::Unlimited => "U",
            Self::Owned => "O",
            Self::Expired => "X",
        }
    }

    pub(crate) fn has_quota(self) -> bool {
        self == Self::Limited
    }

    pub(crate) fn has_rate_limit(self) -> bool {
        matches!(self, Self::Limited | Self::RateLimited)
    }
}

/// Texts of keys.
#[derive(Debug, Clone)]
pub(crate) enum Texts {
    /// Of their sort and a number, so that ten million of them need no list.
    Numbered { sort: Sort, count: usize },
    /// As a server made them.
    Listed(Vec<String>),
}

impl Texts {
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Numbered { count, .. } => *count,
            Self::Listed(texts) => texts.len(),
        }
    }

    /// A text as long as a generated one; `number` is below the count.
    pub(crate) fn text(&self, number: usize) -> String {
        match self {
            Self::Numbered { sort, .. } => format!("sk_{}{number:0>42}", sort.letter()),
            Self::Listed(texts) => texts[number].clone(),
        }
    }

    /// The first one alone.
    pub(crate) fn first(&self) -> Self {
        match self {
            Self::Numbered { sort, .. } => Self::Numbered { sort: *sort, count: 1 },
            Self::Listed(texts) => Self::Listed(texts[..1].to_vec()),
        }
    }

    /// How wrk's script is told of them; a list goes into a file in `folder`.
    pub(crate) fn argument(&self, folder: &Path, name: &str) -> Result<String, Failure> {
        match self {
            Self::Numbered { sort, .. } => Ok(format!("sk_{}", sort.letter())),
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
        let texts = Texts::Numbered { sort: Sort::Limited, count: 10_000_000 };
        assert_eq!(texts.text(9_999_999), "sk_L000000000000000000000000000000000009999999");
        assert_eq!(texts.text(0).len(), "sk_".len() + 43);
    }
}
