//! What an API key is, and when it may be used.
//!
//! Everything here is pure and synchronous: the time is an argument ([`Timestamp`]), randomness is an argument
//! ([`Randomness`]), and nothing touches a database, a socket or a clock. The one question that matters,
//! "may this key be used now?", is answered by [`verify::decide`] and nowhere else.
//!
//! | module | holds |
//! |---|---|
//! | [`address`] | from where a key may be used |
//! | [`value`] | instants, ids, permissions, metadata: a value that exists is valid |
//! | [`key`] | the entity: what is fixed about a key, how it is minted and edited, how its secret is kept |
//! | [`usage`] | what verifications change: quota with refill, rate limits |
//! | [`verify`] | the validation chain |
//! | [`policy`] | configurations: what a deployment allows |
//! | [`identity`] | users, passwords, sessions |
//! | [`organization`] | who may do what with an organization's keys |
//! | [`listing`] | pages of keys |
//! | [`server_key`] | what a backend shows to act for anybody |
//! | [`code`] | every reason to say no |

pub mod address;
pub mod code;
pub mod identity;
pub mod key;
pub mod listing;
pub mod organization;
pub mod policy;
pub mod server_key;
pub mod usage;
pub mod value;
pub mod verify;

pub use code::ErrorCode;
pub use key::{ApiKey, KeyDetails};
pub use policy::{Configuration, Policy};
pub use value::{ConfigId, KeyId, Metadata, OrganizationId, OwnerId, Permissions, RowId, Timestamp, UserId};

/// A source of random bytes, lent by the caller: it fills the whole slice.
pub type Randomness<'a> = &'a mut dyn FnMut(&mut [u8]);
