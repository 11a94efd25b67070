//! The key: its fixed details, how it is minted and edited, and the stored form of its secret.

mod bulk;
mod deletion;
mod edit;
mod entity;
mod field;
mod foreign;
mod format;
mod heap;
mod import;
mod mint;
mod revocation;
mod rotation;
mod secret;
mod state;
mod terms;

pub use bulk::EditKeys;
pub use deletion::Deletion;
pub use edit::{EditKey, KeyPatch};
pub use entity::{ApiKey, KeyDetails, SecretIdentity};
pub use field::Field;
pub use foreign::{
    ForeignGroup, ForeignHash, ForeignLookup, ForeignMatch, InvalidForeignHash, InvalidPepper, InvalidSlowHash,
    MAX_ALIKE, Pepper, PepperName, Peppers, SlowHash,
};
pub use format::KeyFormat;
pub use import::{Encoding, HashKind, ImportKey, ImportRefused, ImportedCounters, ImportedSecret, InvalidSecret};
pub use mint::{CheckedKey, MetadataInput, Minted, NewKey, RefillEdit, RefillInput};
pub use revocation::{Actor, InvalidActor, Revocation};
pub use rotation::{
    FormerSecret, InvalidRotation, NewSecret, PendingSecret, Replaces, Rotated, Rotation, RotationChange, RotationEnd,
    RotationRefused, RotationStage, RotationTurn, SecretRole, Wait,
};
pub use secret::{PlainKey, StoredKey};
pub use state::{KeyCounts, KeyState, StateFacts};
pub use terms::{InvalidTerms, Terms};
