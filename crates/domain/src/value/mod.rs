//! Values that are valid because they exist.

mod id;
mod lifetime;
mod metadata;
mod permissions;
mod text;
mod timestamp;

pub use id::{ConfigId, InvalidText, KeyId, OwnerId};
pub use lifetime::{InvalidLifetime, Lifetime};
pub use metadata::{InvalidMetadata, Metadata};
pub use permissions::{InvalidPermissions, Permissions};
pub use text::{InvalidPrefix, KeyName, Prefix, utf16_len};
pub use timestamp::{InvalidTimestamp, Timestamp};
