//! The shapes of requests for the OpenAPI document: what [`super::read`] reads, member by member in the same order.

use utoipa::openapi::schema::ObjectBuilder;

use crate::openapi::schema::{boolean, object, optional, plain_text, required, seen_text, text};

/// What `Email::parse` takes.
const EMAIL: &str = r"^(?!\.)(?!.*\.\.)[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$";
const PASSWORD_LENGTH: (usize, usize) = (8, 128);
const CALLBACK: &str = "Where the client goes next: a path, or a URL of a trusted origin.";

/// What `read_sign_up` reads.
pub(crate) fn sign_up() -> ObjectBuilder {
    let email = text().pattern(Some(EMAIL)).max_length(Some(320));
    let password = text().min_length(Some(PASSWORD_LENGTH.0)).max_length(Some(PASSWORD_LENGTH.1));
    object(vec![
        required("name", seen_text(), "For people."),
        required("email", email, "The address, which nobody may have yet."),
        required("password", password, "The password."),
        optional("image", plain_text(), "A picture's URL."),
        optional("callbackURL", text(), CALLBACK),
        optional("rememberMe", boolean(), "Whether the session outlives the browser; true where absent."),
    ])
}

/// What `read_sign_in` reads.
pub(crate) fn sign_in() -> ObjectBuilder {
    object(vec![
        required("email", text().pattern(Some(EMAIL)).max_length(Some(320)), "The address."),
        required("password", text().max_length(Some(PASSWORD_LENGTH.1)), "The password."),
        optional("callbackURL", text(), CALLBACK),
        optional("rememberMe", boolean(), "Whether the session outlives the browser; true where absent."),
    ])
}

/// What `read_sign_out` reads.
pub(crate) fn sign_out() -> ObjectBuilder {
    object(vec![
        optional("callbackURL", text(), CALLBACK),
        optional("disableRedirect", boolean(), "Not looked at."),
        optional("state", text(), "Not looked at."),
    ])
}
