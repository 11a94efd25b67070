//! The cases of users, sessions and organizations, by subject. A case's name is the sentence that it proves.

#![expect(missing_docs, reason = "a case's name is its sentence")]

pub mod accounts;
pub mod keys;
pub mod links;
pub mod members;
pub mod operators;
pub mod organizations;
pub mod secret;
pub mod sessions;
pub mod users;
