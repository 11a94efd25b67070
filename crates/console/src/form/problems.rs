use std::ops::RangeInclusive;

use super::Fields;

/// The problems of a form, each beside its field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// Adds a problem of a field; an empty name is the form itself.
    pub(crate) fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.0.push((field, text.into()));
    }

    /// Returns the first problem of a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    /// Returns all problems of fields, for the list at the top of the form.
    pub(crate) fn all(&self) -> &[(&'static str, String)] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that the field `confirm` has the text that the form asks for, which nobody enters by mistake.
    pub(crate) fn check_confirmation(&mut self, fields: &Fields, asked: &str) {
        if fields.raw("confirm").trim() != asked.trim() {
            self.add("confirm", "Enter exactly the text that is shown.");
        }
    }

    /// Reads a whole number; `None` = the field is empty, or it is wrong and that was added.
    pub(crate) fn number(&mut self, fields: &Fields, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = fields.get(name)?;
        // People write thousands with spaces or commas.
        let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | ',' | '_' | '\u{a0}')).collect();
        let number = digits.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (crate::show::count(*range.start()), crate::show::count(*range.end()));
            self.add(name, format!("Enter a whole number from {least} to {most}."));
        }
        number
    }
}
