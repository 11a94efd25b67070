//! Pages of keys.

mod filter;

pub use filter::{KeyFilter, Search};

use crate::key::KeyDetails;
use crate::policy::ConfigFilter;
use crate::{ApiKey, KeyId, Metadata, OwnerId, Permissions};

/// A query for one page of keys: a filter, an order and a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of these configurations.
    pub configurations: ConfigFilter,
    /// Only keys that this filter admits.
    pub filter: KeyFilter,
    /// The field to sort by. Ties are sorted by creation, then by id, so that the order is total.
    pub sort_by: SortField,
    /// The direction of the order. Ties are always in ascending order.
    pub direction: Direction,
    /// The rows to skip.
    pub offset: u64,
    /// The largest number of rows to return. Fewer are returned if they fill the page's [`Room`] first.
    pub limit: u32,
    /// The number at which counting stops; `None` = all keys that match are counted.
    pub count_up_to: Option<u64>,
}

impl ListQuery {
    /// The rows of a page if a request names no limit: the most that Better Auth ever returns (docs/better-auth-wire.md
    /// 7.3).
    pub const DEFAULT_LIMIT: u32 = 100;
    /// The largest number of rows in a page, so that no request holds a whole table in memory.
    pub const MAX_LIMIT: u32 = 1000;
    /// The number at which counting stops, unless a list must be counted whole.
    pub const COUNT_UP_TO: u64 = 10_000;
}

impl Default for ListQuery {
    /// Returns the first page of all keys in order of creation.
    fn default() -> Self {
        Self {
            owner: None,
            configurations: ConfigFilter::Any,
            filter: KeyFilter::default(),
            sort_by: SortField::CreatedAt,
            direction: Direction::Ascending,
            offset: 0,
            limit: Self::DEFAULT_LIMIT,
            count_up_to: None,
        }
    }
}

/// The bytes that one page still has for members of unbounded length.
///
/// A page ends after the key that fills it. It therefore has at least one key, and no request holds much of a table in
/// memory, however large its rows are.
#[derive(Debug)]
pub struct Room {
    left: usize,
}

impl Room {
    /// The size in bytes at which a page has no room for another key.
    pub const BYTES: usize = 4 * 1024 * 1024;

    /// Returns true if the page has room for `key`, and takes the key's bytes from it.
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
    /// Returns the room of an empty page.
    fn default() -> Self {
        Self { left: Self::BYTES }
    }
}

/// One page, and the number of keys on all pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys of the page.
    pub keys: Vec<ApiKey>,
    /// The rows of the page that cannot be read, in their order.
    pub unreadable: Vec<Unreadable>,
    /// The page ends before its `limit` because its [`Room`] is full.
    pub is_cut: bool,
    /// The number of keys that match the query, on all pages.
    pub total: Total,
}

/// A number of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// There are this many.
    Exactly(u64),
    /// There are more than this many; nobody has counted on.
    MoreThan(u64),
}

impl Total {
    /// Returns the total of a count that stops behind `up_to`, given what was counted.
    pub fn counted(counted: u64, up_to: Option<u64>) -> Self {
        up_to.filter(|up_to| counted > *up_to).map_or(Self::Exactly(counted), Self::MoreThan)
    }

    /// Returns the number, of which there may be more.
    pub fn at_least(self) -> u64 {
        match self {
            Self::Exactly(number) | Self::MoreThan(number) => number,
        }
    }
}

impl Default for Total {
    /// Returns the total of nothing.
    fn default() -> Self {
        Self::Exactly(0)
    }
}

/// A row that cannot be read as a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The key's id; `None` = it cannot be read either.
    pub id: Option<KeyId>,
    /// The first column with a value that no writer of the table writes.
    pub column: &'static str,
}

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest first; rows without a value before all others. Keys that never expire are last, for either direction.
    #[default]
    Ascending,
    /// Largest first; rows without a value after all others.
    Descending,
}

macro_rules! sort_fields {
    ($($name:ident = $text:literal;)*) => {
        /// The fields that a list may be sorted by: every member of a key but its secret, its permissions and its
        /// metadata. Texts are compared byte by byte.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SortField {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl SortField {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the member's name on the wire, which is also the column's name.
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
    /// Finds the field by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.as_str() == name)
    }
}
