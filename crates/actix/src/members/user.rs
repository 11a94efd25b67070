//! Members that sign-up and sign-in have.

use keymint_domain::identity::{Email, Password, User};
use keymint_domain::key::Field;
use serde_json::Value;
use utoipa::openapi::schema::ObjectBuilder;

use super::{Member, schema};

/// The addresses that `Email::parse` takes.
const EMAIL: &str = r"^(?!\.)(?!.*\.\.)[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$";
const MIN_PASSWORD_LENGTH: usize = 8;
const MAX_PASSWORD_LENGTH: usize = 128;

impl Member<'_, '_> {
    /// Reads the name of a new user. `SignUp::check_texts` checks it.
    pub(crate) fn new_name(mut self) -> Option<String> {
        self.state(|_| schema::visible_text().max_length(Some(User::MAX_NAME)));
        self.read_text()
    }

    /// Reads the URL of a picture. `SignUp::check_texts` checks it.
    pub(crate) fn image(mut self) -> Option<String> {
        self.state(|_| image());
        self.read_text()
    }

    /// Reads the URL of a picture, or null. `EditUser::check_texts` checks it.
    pub(crate) fn nullable_image(mut self) -> Field<String> {
        self.state(|_| schema::nullable(image()));
        if self.value() == Some(&Value::Null) {
            return Field::Null;
        }
        self.read_text().map_or(Field::Absent, Field::Given)
    }

    /// Reads the address of a new user.
    pub(crate) fn new_email(mut self) -> Option<Email> {
        self.state(|_| email());
        let email = self.read_text();
        self.parsed(email, |text| Email::parse(&text))
    }

    /// Reads an address as it was written; the use case checks it.
    pub(crate) fn email(mut self) -> Option<String> {
        self.state(|_| email());
        self.read_text()
    }

    /// Reads the password of a new user. The use case checks its length.
    pub(crate) fn new_password(mut self) -> Option<Password> {
        self.state(|_| password().min_length(Some(MIN_PASSWORD_LENGTH)));
        let text = self.read_text()?;
        if text.is_empty() {
            self.refuse("Too small: expected string to have >=1 characters");
            return None;
        }
        Some(Password::new(text))
    }

    /// Reads a password.
    pub(crate) fn password(mut self) -> Option<Password> {
        self.state(|_| password());
        self.read_text().map(Password::new)
    }
}

fn image() -> ObjectBuilder {
    schema::plain_text().max_length(Some(User::MAX_IMAGE))
}

fn email() -> ObjectBuilder {
    schema::text().pattern(Some(EMAIL)).max_length(Some(320))
}

fn password() -> ObjectBuilder {
    schema::text().max_length(Some(MAX_PASSWORD_LENGTH))
}
