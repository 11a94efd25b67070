//! Values that are valid because they exist.

mod id;
mod metadata;
mod permissions;
mod text;
mod timestamp;

pub use id::{ConfigId, InvalidText, KeyId, OwnerId};
pub use metadata::{InvalidMetadata, Metadata};
pub use permissions::{InvalidPermissions, Permissions};
pub use text::{InvalidLifetime, InvalidPrefix, KeyName, Lifetime, Prefix, utf16_len};
pub use timestamp::{InvalidTimestamp, Timestamp};
