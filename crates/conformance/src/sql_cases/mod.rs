//! Cases of Better Auth's tables in SQL databases.

#![expect(missing_docs, reason = "a case's name is its sentence")]

pub mod better_auth;
pub mod better_auth_identity;
pub mod corrupt_identities;
pub mod corrupt_rows;
pub mod migrations;
pub mod odd_rows;
pub mod referenced;
mod tables;

pub use tables::better_auth_tables;
