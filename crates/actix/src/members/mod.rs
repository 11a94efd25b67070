//! The members of bodies and queries: each is stated once, in the call that reads it.
//!
//! [`Members`] hands out the members one by one, in the order of Better Auth's schemas, and collects all that is wrong
//! with them in zod's words (docs/better-auth-wire.md 2.3), which clients show to their users. Members that no call reads
//! are dropped. The call states a member's name, meaning, type and range; [`Shape`] runs the same calls without a request
//! and returns what they state, for the OpenAPI document.
//! [`written::Body`] is the opposite way: the members of a request that a client sends.

mod address;
mod event;
mod key;
mod list;
mod number;
mod record;
pub(crate) mod schema;
mod shape;
mod text;
mod user;
pub(crate) mod written;

use std::borrow::Cow;
use std::fmt::{self, Display};

use actix_web::{HttpRequest, web};
use keymint_domain::Policy;
use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, Schema};

use crate::error::ApiError;
use shape::Stated;

pub(crate) use shape::Shape;

/// The members of a body or a query, and the problems of those that were read so far.
pub(crate) struct Members<'a> {
    part: &'static str,
    values: Cow<'a, Map<String, Value>>,
    issues: Vec<String>,
    /// Collects what the calls state; `None` while a request is read.
    stated: Option<Stated<'a>>,
}

/// A member that is about to be read, by the method that states its type.
pub(crate) struct Member<'m, 'a> {
    members: &'m mut Members<'a>,
    name: &'static str,
    about: &'static str,
    is_required: bool,
}

const BODY: &str = "body";
const QUERY: &str = "query";

impl<'a> Members<'a> {
    /// Reads the members of a body by `read`.
    ///
    /// # Errors
    ///
    /// The body is no object, or a member is missing or wrong.
    pub(crate) fn read_body<T>(
        body: Option<&'a Value>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, ApiError> {
        let mut members = Self::body(body)?;
        let value = read(&mut members);
        members.finish(value)
    }

    /// Reads the members of a query by `read`.
    ///
    /// # Errors
    ///
    /// The query is malformed, or a member is missing or wrong.
    pub(crate) fn read_query<T>(
        request: &HttpRequest,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, ApiError> {
        let mut members = Self::query(request)?;
        let value = read(&mut members);
        members.finish(value)
    }

    /// Returns the members of a body.
    ///
    /// # Errors
    ///
    /// The body is no object.
    pub(crate) fn body(body: Option<&'a Value>) -> Result<Self, ApiError> {
        let Some(Value::Object(members)) = body else {
            let received = kind(body);
            return Err(ApiError::Validation(format!("[body] Invalid input: expected object, received {received}")));
        };
        Ok(Self::new(BODY, Cow::Borrowed(members)))
    }

    /// Returns the members of a query, all of them texts. One that is given twice is an array.
    ///
    /// # Errors
    ///
    /// The query cannot be read as names and values.
    fn query(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut members: Map<String, Value> = Map::new();
        let pairs = pairs(request.query_string());
        let pairs = pairs.ok_or_else(|| ApiError::Validation("[query] Invalid input: expected object".to_owned()))?;
        for (name, value) in pairs {
            match members.get_mut(&name) {
                None => drop(members.insert(name, Value::String(value))),
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(earlier) => *earlier = Value::Array(vec![earlier.take(), Value::String(value)]),
            }
        }
        Ok(Self::new(QUERY, Cow::Owned(members)))
    }

    fn new(part: &'static str, values: Cow<'a, Map<String, Value>>) -> Self {
        Self { part, values, issues: Vec::new(), stated: None }
    }

    /// Returns `value`.
    ///
    /// # Errors
    ///
    /// There is no value, or a member was wrong: the message names all problems.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.issues.is_empty() => Ok(value),
            _ => Err(ApiError::Validation(self.issues.join("; "))),
        }
    }

    /// Begins to read a member that may be absent; `about` tells clients what it means.
    pub(crate) fn optional(&mut self, name: &'static str, about: &'static str) -> Member<'_, 'a> {
        Member { members: self, name, about, is_required: false }
    }

    /// Begins to read a member that must be there.
    pub(crate) fn required(&mut self, name: &'static str, about: &'static str) -> Member<'_, 'a> {
        Member { members: self, name, about, is_required: true }
    }

    /// Returns true if the calls state members, and there is no request.
    pub(crate) fn is_stating(&self) -> bool {
        self.stated.is_some()
    }

    /// Returns true if the request has a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Refuses members with other names than these. Elsewhere such members are dropped, as Better Auth drops them.
    pub(crate) fn refuse_others(&mut self, names: &[&str]) {
        let others: Vec<_> = self.values.keys().filter(|name| !names.contains(&name.as_str())).cloned().collect();
        for name in others {
            self.issues.push(format!("[{}] Unrecognized key: {name:?}", self.part));
        }
    }

    /// Reports a problem of a member, in the words of the rule that found it.
    pub(crate) fn refuse(&mut self, name: &str, reason: impl Display) {
        self.issues.push(format!("[{}.{name}] {reason}", self.part));
    }
}

impl Member<'_, '_> {
    /// States the type of the member, if anybody asks for it.
    fn state<S: Into<RefOr<Schema>>>(&mut self, schema: impl FnOnce(&Policy) -> S) {
        if let Some(stated) = &mut self.members.stated {
            let schema = schema(stated.policy).into();
            stated.shape.add(self.name, self.is_required, schema, self.about);
        }
    }

    fn is_in_query(&self) -> bool {
        self.members.part == QUERY
    }

    fn value(&self) -> Option<&Value> {
        self.members.values.get(self.name)
    }

    fn refuse(&mut self, reason: impl Display) {
        self.members.refuse(self.name, reason);
    }

    fn expected(&mut self, expected: &str, received: &str) {
        self.expected_at(self.name, expected, received);
    }

    fn expected_at(&mut self, path: &str, expected: &str, received: &str) {
        self.members.refuse(path, format_args!("Invalid input: expected {expected}, received {received}"));
    }
}

/// Returns the names and values of a query or of a form, in their order; `None` = the text is neither.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    web::Query::<Vec<(String, String)>>::from_query(text).ok().map(web::Query::into_inner)
}

/// Returns zod's name for the type of a value; an absent one is `undefined`.
pub(crate) fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// Shows names alone: a value may be a key.
impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members")
            .field("part", &self.part)
            .field("members", &self.values.keys())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Member<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod support {
    use serde_json::{Value, json};

    use super::Members;
    use crate::error::ApiError;

    /// Reads a body with the member `n` by `read`; returns the value, or the message.
    pub(super) fn read<T>(value: &Value, read: impl FnOnce(&mut Members<'_>) -> T) -> Result<T, String> {
        let body = json!({ "n": value });
        let mut members = Members::body(Some(&body)).unwrap();
        let value = read(&mut members);
        members.finish(Some(value)).map_err(|error| match error {
            ApiError::Validation(text) => text,
            other => panic!("{other:?}"),
        })
    }
}
