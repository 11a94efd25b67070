//! `POST /sign-in/email` (docs/better-auth-wire.md 5.2).

use actix_web::HttpResponse;
use actix_web::http::header;
use keymint_domain::ErrorCode;
use keymint_service::{SignIn, SignedIn};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{CALLBACK, REMEMBER, TOKEN, answer_signed_in, enter, signing};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::schema::text;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::UserView;

/// The answer to a sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
struct SignedInView<'a> {
    /// True if the request names a page to visit next; the status is 200 in both cases.
    redirect: bool,
    token: &'a str,
    /// The `callbackURL` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<&'a str>,
    user: UserView<'a>,
}

impl<'a> SignedInView<'a> {
    /// Shows the session, and where the request wants to be sent on.
    fn new(signed_in: &'a SignedIn, callback_url: Option<&'a str>) -> Self {
        Self {
            redirect: callback_url.is_some_and(|url| !url.is_empty()),
            token: signed_in.session.token.expose(),
            url: callback_url,
            user: UserView::from(&signed_in.user),
        }
    }
}

/// Reads a body: the sign-in, and the URL where the client goes next.
///
/// # Errors
///
/// The body is no object, or a member is missing or wrong.
pub fn read_body(body: Option<&Value>) -> Result<(SignIn, Option<String>), ApiError> {
    let mut members = Members::body(body)?;
    let asked = read(&mut members);
    members.finish(asked)
}

fn read(body: &mut Members<'_>) -> Option<(SignIn, Option<String>)> {
    let email = body.required("email", "The address.").email();
    let password = body.required("password", "The password.").password();
    let callback_url = body.optional("callbackURL", CALLBACK).text();
    let remember = body.optional("rememberMe", REMEMBER).boolean().unwrap_or(true);
    let (email, password) = email.zip(password)?;
    Some((SignIn { email, password, remember }, callback_url))
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = json!({ "email": "ada@example.com", "password": "correct horse" });
    let signed_in = json!({ "redirect": false, "token": TOKEN, "user": examples::user() });
    signing("signIn", "Begins a session.")
        .text("An unknown address, a user without a password and a wrong password get the same answer.")
        .reads(Shape::of_body(context.policy, read), body)
        .answers::<SignedInView<'_>>("The user, and the token of their session.", signed_in)
        .with_header("location", text(), "The `callbackURL` of the request.")
        .fails([
            ErrorCode::EmailPasswordDisabled,
            ErrorCode::InvalidEmail,
            ErrorCode::PasswordTooLong,
            ErrorCode::InvalidEmailOrPassword,
            ErrorCode::BannedUser,
        ])
}

pub(super) async fn sign_in(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (sessions, client) = enter(&request)?;
    let (sign_in, callback_url) = read_body(request.body())?;
    request.check_form()?;
    let remember = sign_in.remember;
    let signed_in = sessions.identity.sign_in(sign_in, client, &request.source()).await?;
    let mut answer = answer_signed_in(&request, sessions, &signed_in, remember);
    if let Some(url) = callback_url.as_ref().filter(|url| !url.is_empty()) {
        answer.insert_header((header::LOCATION, url.as_str()));
    }
    Ok(answer.json(SignedInView::new(&signed_in, callback_url.as_deref())))
}
