use keymint_domain::identity::{Email, Password, SignUp};
use keymint_service::SignIn;
use serde_json::Value;

use crate::ApiError;
use crate::validate::Object;

/// `POST /sign-up/email`: who wants to become a user, and whether to remember their session.
pub fn read_sign_up(body: Option<&Value>) -> Result<(SignUp, bool), ApiError> {
    // Better Auth's schema is an object and a record at once, and each of them complains.
    let mut body = Object::body(body).map_err(|error| match error {
        ApiError::Validation(text) => ApiError::Validation(format!("{text}; {}", text.replace("object", "record"))),
        other => other,
    })?;
    let name = body.required_text("name");
    let email = body.required_text("email");
    let email = body.parse("email", email, |text| Email::parse(&text));
    let password = body.required_nonempty_text("password").map(Password::new);
    let image = body.text("image");
    body.text("callbackURL");
    let remember = body.boolean("rememberMe").unwrap_or(true);
    let asked = name.zip(email).zip(password);
    let asked = asked.map(|((name, email), password)| SignUp { name, email, password, image });
    let checked = asked.and_then(|asked| match asked.check_texts() {
        Ok(()) => Some((asked, remember)),
        Err((member, error)) => {
            body.refuse(member, error);
            None
        }
    });
    body.finish(checked)
}

/// `POST /sign-in/email`: who wants a session, and where to go then.
pub fn read_sign_in(body: &mut Object<'_>) -> Option<(SignIn, Option<String>)> {
    let email = body.required_text("email");
    let password = body.required_text("password").map(Password::new);
    let callback_url = body.text("callbackURL");
    let remember = body.boolean("rememberMe").unwrap_or(true);
    let (email, password) = email.zip(password)?;
    Some((SignIn { email, password, remember }, callback_url))
}

/// `POST /sign-out`: nothing that matters here, but members of a wrong type are refused.
pub fn read_sign_out(body: Option<&Value>) -> Result<(), ApiError> {
    if body.is_none() {
        return Ok(());
    }
    let mut body = Object::body(body)?;
    body.text("callbackURL");
    body.boolean("disableRedirect");
    body.text("state");
    body.finish(Some(()))
}
