//! Pages of keys.

use crate::key::KeyDetails;
use crate::policy::ConfigFilter;
use crate::{ApiKey, KeyId, Metadata, OwnerId, Permissions};

/// Which keys are asked for, in which order, and which part of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Keys of this owner only.
    pub owner: Option<OwnerId>,
    /// Keys of these configurations only.
    pub configurations: ConfigFilter,
    /// What they are sorted by. Equal ones follow in order of creation, then of id, so that the order is total.
    pub sort_by: SortField,
    /// In which direction; ties are always in ascending order.
    pub direction: Direction,
    /// Rows to skip.
    pub offset: u64,
    /// Rows to return, at most; fewer where they fill the [`Room`] of a page before.
    pub limit: u32,
}

impl ListQuery {
    /// Rows of a page where a request names no limit: as many as Better Auth ever answers (docs/better-auth-wire.md 7.3).
    pub const DEFAULT_LIMIT: u32 = 100;
    /// Rows of a page at most, so that no request holds a whole table in memory.
    pub const MAX_LIMIT: u32 = 1000;
}

impl Default for ListQuery {
    /// The first page of all keys in order of creation.
    fn default() -> Self {
        Self {
            owner: None,
            configurations: ConfigFilter::Any,
            sort_by: SortField::CreatedAt,
            direction: Direction::Ascending,
            offset: 0,
            limit: Self::DEFAULT_LIMIT,
        }
    }
}

/// The room of one page for what keys have of any length. A page ends with the key that fills it, so that it has one at
/// least and no request holds much of a table in memory, however large its rows are.
#[derive(Debug)]
pub struct Room {
    left: usize,
}

impl Room {
    /// Bytes of a page's texts that leave no room for another key.
    pub const BYTES: usize = 4 * 1024 * 1024;

    /// Whether the page has room for `key`, which it then has less of.
    pub fn admits(&mut self, key: &ApiKey) -> bool {
        let KeyDetails { name, start, prefix, permissions, metadata, .. } = &*key.details;
        let short = [name, start, prefix].into_iter().flatten().map(String::len);
        let long = [permissions.as_ref().map(Permissions::as_json), metadata.as_ref().map(Metadata::as_json)];
        let bytes = short.chain(long.into_iter().flatten().map(str::len)).sum();
        let has_room = self.left > 0;
        self.left = self.left.saturating_sub(bytes);
        has_room
    }
}

impl Default for Room {
    /// An empty page's.
    fn default() -> Self {
        Self { left: Self::BYTES }
    }
}

/// One page, and how many keys there are in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys of the page.
    pub keys: Vec<ApiKey>,
    /// Rows of the page that cannot be read, in their order.
    pub unreadable: Vec<Unreadable>,
    /// Keys that match the query, on all pages.
    pub total: u64,
}

/// A row that cannot be read as a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The key's id; `None` = that cannot be read either.
    pub id: Option<KeyId>,
    /// The first column that holds what no writer of the table writes.
    pub column: &'static str,
}

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest first; rows without a value before all others.
    #[default]
    Ascending,
    /// Largest first; rows without a value after all others.
    Descending,
}

macro_rules! sort_fields {
    ($($name:ident = $text:literal;)*) => {
        /// What a list may be sorted by: every member of a key but its secret, its permissions and its metadata.
        /// Texts are compared byte by byte.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SortField {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl SortField {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The member's name on the wire, which is the column's name too.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

sort_fields! {
    Id = "id";
    ConfigId = "configId";
    Name = "name";
    Start = "start";
    ReferenceId = "referenceId";
    Prefix = "prefix";
    RefillInterval = "refillInterval";
    RefillAmount = "refillAmount";
    LastRefillAt = "lastRefillAt";
    Enabled = "enabled";
    RateLimitEnabled = "rateLimitEnabled";
    RateLimitTimeWindow = "rateLimitTimeWindow";
    RateLimitMax = "rateLimitMax";
    RequestCount = "requestCount";
    Remaining = "remaining";
    LastRequest = "lastRequest";
    ExpiresAt = "expiresAt";
    CreatedAt = "createdAt";
    UpdatedAt = "updatedAt";
}

impl SortField {
    /// Finds the field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.as_str() == name)
    }
}
