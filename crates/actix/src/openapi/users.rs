use keymint_domain::ErrorCode;
use keymint_service::ServiceError;
use serde_json::json;
use utoipa::openapi::Ref;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};

use super::failures::Failures;
use super::keys::success;
use super::security::Callers;
use super::{Description, Served, USERS, examples, schema};
use crate::wire::{KeySessionView, SessionView, SignedInView, SignedUpView, identity_shape as shape};

/// `POST /sign-up/email`.
pub(crate) fn sign_up(_: &Served<'_>) -> Description {
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    signing("signUp", "Makes a user, and signs them in.")
        .reads(shape::sign_up(), body)
        .or_form()
        .answers::<SignedUpView<'_>>("The user, and the token of their session.", examples::signed_up())
        .fails([
            ErrorCode::EmailPasswordSignUpDisabled,
            ErrorCode::PasswordTooShort,
            ErrorCode::PasswordTooLong,
            ErrorCode::UserAlreadyExists,
        ])
}

/// `POST /sign-in/email`.
pub(crate) fn sign_in(_: &Served<'_>) -> Description {
    signing("signIn", "Begins a session.")
        .text("An unknown address, a user without a password and a wrong password are told alike.")
        .reads(shape::sign_in(), json!({ "email": "ada@example.com", "password": "correct horse" }))
        .or_form()
        .answers::<SignedInView<'_>>("The user, and the token of their session.", examples::signed_in())
        .with_header("location", schema::text(), "The `callbackURL` of the request.")
        .fails([
            ErrorCode::EmailPasswordDisabled,
            ErrorCode::InvalidEmail,
            ErrorCode::PasswordTooLong,
            ErrorCode::InvalidEmailOrPassword,
            ErrorCode::BannedUser,
        ])
}

/// What signing up and in have in common.
fn signing(id: &'static str, summary: &'static str) -> Description {
    Description::new(USERS, id, summary, Callers::Guests).fails(Failures::of_a_sign_in())
}

/// `GET /get-session`.
pub(crate) fn get_session(_: &Served<'_>) -> Description {
    let disable_refresh = "Leaves the session's end where it is, whatever the text; an empty one says nothing.";
    let shown = AnyOfBuilder::new()
        .item(Ref::from_schema_name("SessionAndUser"))
        .item(Ref::from_schema_name("KeySessionAndUser"))
        .item(ObjectBuilder::new().schema_type(Type::Null));
    Description::new(USERS, "getSession", "Shows the caller's session, or null.", Callers::Visitors)
        .takes(&ParameterIn::Query, vec![schema::optional("disableRefresh", schema::text(), disable_refresh)])
        .refers_to::<SessionView<'_>>()
        .refers_to::<KeySessionView<'_>>()
        .answers_with("The session, with its user.", shown, examples::session())
        .with_header("cache-control", schema::text(), "`no-store`.")
        .fails([ErrorCode::FailedToGetSession, ErrorCode::MethodNotAllowed])
        .fails([ServiceError::Overloaded])
}

/// `POST /sign-out`.
pub(crate) fn sign_out(_: &Served<'_>) -> Description {
    Description::new(USERS, "signOut", "Ends the caller's session.", Callers::Visitors)
        .text("A body is not needed. Whoever is not signed in is signed out as well.")
        .reads(shape::sign_out(), json!({}))
        .or_nothing()
        .answers_with("Nobody is signed in any more.", success(), json!({ "success": true }))
}
