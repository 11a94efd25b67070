//! Values whose constructors check them: a value that exists is valid.

mod duration;
mod heap;
mod id;
mod lifetime;
mod metadata;
mod permissions;
pub mod stored;
mod text;
mod timestamp;

pub use duration::{InvalidDuration, parse_duration};
pub(crate) use heap::heap_block;
pub(crate) use id::alphanumeric;
pub use id::{ConfigId, InvalidText, KeyId, OrganizationId, OwnerId, RowId, UserId};
pub use lifetime::{InvalidLifetime, Lifetime};
pub use metadata::{InvalidMetadata, Metadata};
pub use permissions::{InvalidPermissions, InvalidWords, Permissions};
pub(crate) use text::check_name;
pub use text::{InvalidPrefix, KeyName, Prefix, is_unseen, utf16_len};
pub use timestamp::{InvalidTimestamp, Timestamp};

/// The largest count: Better Auth keeps every count in a Postgres `integer` (docs/better-auth-wire.md 11.1).
pub const MAX_COUNT: u32 = i32::MAX.unsigned_abs();

/// The longest window, and the longest interval between refills, that a request may name: 400 days, in milliseconds.
pub const MAX_PERIOD_MS: u64 = 400 * DAY_MS;

/// The milliseconds of a day.
pub(crate) const DAY_MS: u64 = 86_400_000;
