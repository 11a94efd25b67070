//! `POST /sign-up/email` (docs/better-auth-wire.md 5.1).

use actix_web::HttpResponse;
use keymint_domain::ErrorCode;
use keymint_domain::identity::SignUp;
use keymint_service::SignedIn;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{CALLBACK, REMEMBER, TOKEN, answer_signed_in, enter, signing};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::UserView;

/// The answer to a sign-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedUp)]
struct SignedUpView<'a> {
    token: &'a str,
    user: UserView<'a>,
}

impl<'a> From<&'a SignedIn> for SignedUpView<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        Self { token: signed_in.session.token.expose(), user: UserView::from(&signed_in.user) }
    }
}

/// Reads a body: the new user, and true if the session is to be remembered.
///
/// # Errors
///
/// The body is no object, or a member is missing or wrong.
pub fn read_body(body: Option<&Value>) -> Result<(SignUp, bool), ApiError> {
    // Better Auth's schema is an object and a record at once, and each of them complains.
    let mut body = Members::body(body).map_err(|error| match error {
        ApiError::Validation(text) => ApiError::Validation(format!("{text}; {}", text.replace("object", "record"))),
        other => other,
    })?;
    let asked = read(&mut body);
    body.finish(asked)
}

fn read(body: &mut Members<'_>) -> Option<(SignUp, bool)> {
    let name = body.required("name", "For people.").new_name();
    let email = body.required("email", "The e-mail address, unused so far.").new_email();
    let password = body.required("password", "The password.").new_password();
    let image = body.optional("image", "A picture's URL.").image();
    body.optional("callbackURL", CALLBACK).text();
    let remember = body.optional("rememberMe", REMEMBER).boolean().unwrap_or(true);
    let ((name, email), password) = name.zip(email).zip(password)?;
    let sign_up = SignUp { name, email, password, image };
    match sign_up.check_texts() {
        Ok(()) => Some((sign_up, remember)),
        Err((member, error)) => {
            body.refuse(member, error);
            None
        }
    }
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    let signed_up = json!({ "token": TOKEN, "user": examples::user() });
    signing("signUp", "Creates a user, and signs them in.")
        .reads(Shape::of_body(context.policy, read), body)
        .answers::<SignedUpView<'_>>("The user, and the token of their session.", signed_up)
        .fails([
            ErrorCode::EmailPasswordSignUpDisabled,
            ErrorCode::PasswordTooShort,
            ErrorCode::PasswordTooLong,
            ErrorCode::UserAlreadyExists,
        ])
}

pub(super) async fn sign_up(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (sessions, client) = enter(&request)?;
    let (sign_up, remember) = read_body(request.body())?;
    request.check_form()?;
    let signed_in = sessions.identity.sign_up(sign_up, client, remember, &request.source()).await?;
    let view = SignedUpView::from(&signed_in);
    Ok(answer_signed_in(&request, sessions, &signed_in, remember).json(view))
}
