//! The API key and the rules of its use.
//!
//! Everything here is pure and synchronous: the time is an argument ([`Timestamp`]), randomness is an argument
//! ([`Randomness`]), and nothing touches a database, a socket or a clock. [`verify::decide`] is the only place that
//! decides whether a key may be used now.
//!
//! | module | holds |
//! |---|---|
//! | [`address`] | the networks that a key may be used from |
//! | [`value`] | instants, ids, permissions, metadata: a value that exists is valid |
//! | [`key`] | the entity: its fixed details, how it is minted and edited, the stored form of its secret |
//! | [`metering`] | the statistics of uses, per key and hour |
//! | [`usage`] | the counters that verifications change: quota with refill, rate limits |
//! | [`verify`] | the validation chain |
//! | [`policy`] | configurations: the keys that a deployment allows |
//! | [`identity`] | users, passwords, sessions |
//! | [`link`] | links that are used once: claims, resets, portal sessions |
//! | [`portal`] | guests who see and manage the keys of one owner |
//! | [`organization`] | the actions that members may take on an organization's keys |
//! | [`listing`] | pages of keys |
//! | [`leak`] | reports that a secret is public |
//! | [`notice`] | what the owner of a key should hear in time |
//! | [`anomaly`] | uses that differ from a key's own past |
//! | [`health`] | findings about keys that somebody should look at |
//! | [`server_key`] | the credential by which a backend acts for any user |
//! | [`event`] | what happened to a key, and the chain that seals it |
//! | [`webhook`] | the endpoints that are told of events: addresses, signatures, retries |
//! | [`code`] | the reasons for a refusal |

pub mod address;
pub mod anomaly;
pub mod code;
pub mod event;
pub mod health;
pub mod identity;
pub mod key;
pub mod leak;
pub mod link;
pub mod listing;
pub mod metering;
pub mod notice;
pub mod organization;
pub mod policy;
pub mod portal;
pub mod server_key;
pub mod usage;
pub mod value;
pub mod verify;
pub mod webhook;

pub use code::ErrorCode;
pub use key::{ApiKey, KeyDetails};
pub use policy::{Configuration, Policy};
pub use value::{ConfigId, KeyId, Metadata, OrganizationId, OwnerId, Permissions, RowId, Timestamp, UserId};

/// A source of random bytes, lent by the caller. It fills the whole slice.
pub type Randomness<'a> = &'a mut dyn FnMut(&mut [u8]);
