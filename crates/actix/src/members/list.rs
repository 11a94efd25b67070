use serde_json::Value;

use super::text::not_one_of;
use super::{Member, kind, schema};

impl Member<'_, '_> {
    /// Reads a list of at most `max` texts. They must have the `pattern`, as the document says and the domain checks.
    pub(crate) fn texts(mut self, max: usize, pattern: &str) -> Option<Vec<String>> {
        self.state(|_| schema::texts(max, pattern));
        let name = self.name;
        let mut texts = Vec::new();
        for (index, item) in self.read_list(max)?.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                other => self.expected_at(&format!("{name}.{index}"), "string", kind(Some(&other))),
            }
        }
        Some(texts)
    }

    /// Reads a list of some of these texts.
    pub(crate) fn choices<T: Copy>(mut self, options: &[(&'static str, T)]) -> Option<Vec<T>> {
        self.state(|_| schema::choices(options.iter().map(|(option, _)| *option)));
        let name = self.name;
        let mut chosen = Vec::new();
        for (index, item) in self.read_list(options.len())?.into_iter().enumerate() {
            if let Some((_, value)) = options.iter().find(|(option, _)| item.as_str() == Some(option)) {
                chosen.push(*value);
            } else {
                self.members.refuse(&format!("{name}.{index}"), not_one_of(options));
            }
        }
        Some(chosen)
    }

    /// Reads a list of at most `max` values.
    pub(super) fn read_list(&mut self, max: usize) -> Option<Vec<Value>> {
        match self.value() {
            None if !self.is_required => None,
            Some(Value::Array(items)) if items.len() > max => {
                self.refuse(format_args!("Too big: expected array to have <={max} items"));
                None
            }
            Some(Value::Array(items)) => Some(items.clone()),
            other => {
                let received = kind(other);
                self.expected("array", received);
                None
            }
        }
    }
}
