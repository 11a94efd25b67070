//! The cases, by subject. A case's name is the sentence that it proves.

#![expect(missing_docs, reason = "a case's name is its sentence")]

pub mod addresses;
pub mod bans;
pub mod bulk;
pub mod bytes;
pub mod cleanup;
pub mod configurations;
pub mod counting;
pub mod deferred;
pub mod deleted;
pub mod dropping;
pub mod dry_run;
pub mod filtering;
pub mod foreign;
pub mod import;
pub mod insert;
pub mod leaks;
pub mod limits;
pub mod listing;
pub mod owners;
pub mod probe;
pub mod racing;
pub mod refill;
pub mod removal;
pub mod revocation;
pub mod rotation;
pub mod round_trip;
pub mod server_keys;
pub mod sorting;
pub mod spending;
pub mod survey;
pub mod update;
pub mod usage;
