use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// Displays choices by their names on the command line.
macro_rules! named {
    ($($choice:ty),*) => {$(
        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let value = clap::ValueEnum::to_possible_value(self);
                f.pad(value.as_ref().map_or("", clap::builder::PossibleValue::get_name))
            }
        }
    )*};
}
pub(crate) use named;

named!(Endpoint, Pick, Route);

/// The endpoint of requests. Either way a key is verified, and pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Endpoint {
    /// Posts a key to `/api-key/verify`, as an application does.
    Verify,
    /// Requests `/authorize` for a request with a key, as a gateway does.
    Authorize,
}

/// The choice of keys that requests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pick {
    /// Random keys with a quota and a rate limit.
    Spread,
    /// The same keys, of which some are used far more often than others: Zipf's law with exponent 1.
    Zipf,
    /// Always the same key, which has both.
    Hot,
    /// Random keys with a rate limit and no quota, which are as many more.
    RateLimited,
    /// Random keys without a quota and a limit, which are as many more.
    Unlimited,
}

impl Pick {
    /// Returns the sort of the chosen keys.
    pub(crate) fn sort(self) -> Sort {
        match self {
            Self::Spread | Self::Zipf | Self::Hot => Sort::Limited,
            Self::RateLimited => Sort::RateLimited,
            Self::Unlimited => Sort::Unlimited,
        }
    }
}

/// The choice of the process that a key's requests go to, where several share a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Route {
    /// Any.
    Any,
    /// The same for each key, as by a balancer that hashes the key.
    Home,
}

/// The properties that keys have in common. It displays as the letter that distinguishes their texts and ids from
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A quota and a rate limit, neither of which ever refuses.
    Limited,
    /// Such a rate limit, and no quota.
    RateLimited,
    /// Neither.
    Unlimited,
    /// Neither, and the same owner, [`OWNER_OF_MANY`].
    Owned,
    /// Neither, and they have expired.
    Expired,
}

/// The owner of the keys that are [`Sort::Owned`]. Every other key has an owner of its own.
pub(crate) const OWNER_OF_MANY: &str = "owner-of-many";

impl Sort {
    pub(crate) fn has_quota(self) -> bool {
        self == Self::Limited
    }

    pub(crate) fn has_rate_limit(self) -> bool {
        matches!(self, Self::Limited | Self::RateLimited)
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limited => "L",
            Self::RateLimited => "R",
            Self::Unlimited => "U",
            Self::Owned => "O",
            Self::Expired => "X",
        })
    }
}

/// The texts of keys.
#[derive(Debug, Clone)]
pub(crate) enum Texts {
    /// Texts that are computed from their sort and a number, so that ten million of them need no list.
    Numbered { sort: Sort, count: usize },
    /// Texts that a server made.
    Listed(Vec<String>),
}

impl Texts {
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Numbered { count, .. } => *count,
            Self::Listed(texts) => texts.len(),
        }
    }

    /// Returns a text as long as a generated one. `number` is below the count.
    pub(crate) fn text(&self, number: usize) -> String {
        match self {
            Self::Numbered { sort, .. } => format!("sk_{sort}{number:0>42}"),
            Self::Listed(texts) => texts[number].clone(),
        }
    }

    /// Returns the first text alone.
    pub(crate) fn first(&self) -> Self {
        match self {
            Self::Numbered { sort, .. } => Self::Numbered { sort: *sort, count: 1 },
            Self::Listed(texts) => Self::Listed(texts[..1].to_vec()),
        }
    }
}
