use std::collections::{BTreeMap, BTreeSet};

use keymint_domain::ErrorCode;
use keymint_guard::LimitFields;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{Components, ComponentsBuilder};
use utoipa::openapi::{Ref, RefOr, Response, Schema};

use super::REFUSALS;

/// The parts that operations refer to.
#[derive(Default)]
pub(super) struct Parts {
    /// The fields that tell how a key stands against its limits.
    pub(super) limit_fields: LimitFields,
    schemas: BTreeMap<String, RefOr<Schema>>,
    /// Bodies of errors by the code that they have.
    examples: BTreeMap<String, Value>,
    /// Answers that operations have in common, by what they are.
    responses: BTreeMap<String, Response>,
}

impl Parts {
    /// Starts without parts, in a dialect of the fields of limits.
    pub(super) fn in_dialect(limit_fields: LimitFields) -> Self {
        Self { limit_fields, ..Self::default() }
    }

    /// Keeps schemas by their names.
    pub(super) fn add(&mut self, schemas: impl IntoIterator<Item = (String, RefOr<Schema>)>) {
        self.schemas.extend(schemas);
    }

    /// Keeps the body of the operation `id`, and returns a reference to it.
    pub(super) fn body(&mut self, id: &str, schema: RefOr<Schema>) -> Ref {
        let name = format!("{}{}Body", id[..1].to_uppercase(), &id[1..]);
        self.schemas.insert(name.clone(), schema);
        Ref::from_schema_name(name)
    }

    /// Returns the codes of all errors that are kept, and of all refusals.
    pub(super) fn codes(&self) -> BTreeSet<String> {
        let told = self.examples.values().filter_map(|body| body["code"].as_str().map(str::to_owned));
        let refusals = REFUSALS.into_iter().chain([ErrorCode::KeyNotFound]);
        told.chain(refusals.map(|code| code.as_str().to_owned())).collect()
    }

    /// Keeps an error's body by its code, and returns its name.
    pub(super) fn example(&mut self, body: Value) -> String {
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        keep(&mut self.examples, &code, body)
    }

    /// Keeps an answer by its description, and returns a reference to it.
    pub(super) fn response(&mut self, response: Response) -> Ref {
        let name = response.description.replace(' ', "");
        Ref::from_response_name(keep(&mut self.responses, &name, response))
    }

    /// Returns all parts as the document has them.
    pub(super) fn components(self) -> Components {
        let components = ComponentsBuilder::new().schemas_from_iter(self.schemas);
        let examples = self.examples.into_iter();
        let components = examples.fold(components, |components, (name, body)| {
            components.example(name, ExampleBuilder::new().value(Some(body)))
        });
        components.responses_from_iter(self.responses).build()
    }
}

/// Keeps a thing once, and returns its name: others of the same name have a number.
fn keep<T: PartialEq>(kept: &mut BTreeMap<String, T>, name: &str, thing: T) -> String {
    let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let name = names.find(|name| kept.get(name).is_none_or(|other| *other == thing)).unwrap_or_default();
    kept.insert(name.clone(), thing);
    name
}
