//! The checks of a body or a query, with zod's texts to the letter (wire document 2.3), because clients show them.
//!
//! An [`Object`] hands out its members one by one, in the order of the schema, and collects what is wrong with
//! them; [`Object::finish`] then answers with all of it at once. Members that nobody asks for are dropped.

mod address;
mod kind;
mod number;
mod object;
mod record;

pub use object::Object;
