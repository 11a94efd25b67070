//! The checks of a body or a query, with zod's texts to the letter (docs/better-auth-wire.md 2.3), because clients show them.
//!
//! An [`Object`] hands out its members one by one, in the order of the schema, and collects what is wrong with
//! them; [`Object::finish`] then answers with all of it at once. Members that nobody asks for are dropped.

mod address;
mod kind;
mod number;
mod object;
mod record;

pub use object::Object;

#[cfg(test)]
mod support {
    use serde_json::{Value, json};

    use super::Object;
    use crate::ApiError;

    /// Reads the member `n` of a body by `read`: what it gave, or the message.
    pub(super) fn read<T>(value: &Value, read: impl FnOnce(&mut Object<'_>) -> T) -> Result<T, String> {
        let body = json!({ "n": value });
        let mut object = Object::body(Some(&body)).unwrap();
        let value = read(&mut object);
        object.finish(Some(value)).map_err(|error| match error {
            ApiError::Validation(text) => text,
            other => panic!("{other:?}"),
        })
    }
}
