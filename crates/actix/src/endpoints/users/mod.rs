//! Sign-up, sign-in, sign-out and sessions (docs/better-auth-wire.md 5).

mod get_session;
mod sign_in;
mod sign_out;
mod sign_up;

use actix_web::{HttpResponse, HttpResponseBuilder};
use keymint_domain::identity::Client;
use keymint_service::SignedIn;

use super::endpoint::{Area, Endpoint};
use crate::callers::session::{Outbox, Sessions};
use crate::error::ApiError;
use crate::extract::{UserRequest, admit};
use crate::openapi::{Callers, Description, Failures};

pub use sign_in::read_body as read_sign_in;
pub use sign_up::read_body as read_sign_up;

pub(super) fn area() -> Area {
    let endpoints = vec![
        Endpoint::post("/sign-up/email", sign_up::sign_up, sign_up::describe).or_form(),
        Endpoint::post("/sign-in/email", sign_in::sign_in, sign_in::describe).or_form(),
        Endpoint::post("/sign-out", sign_out::sign_out, sign_out::describe),
        Endpoint::get_or_post("/get-session", get_session::get_session, get_session::describe),
    ];
    Area { name: "Users", about: "Signing up, in and out.", endpoints }
}

const TOKEN: &str = "A1MqbIvwBj1ynxAv2KgHQbpHG2mCossa";
const CALLBACK: &str = "The page to visit next: a path, or a URL of a trusted origin.";
const REMEMBER: &str = "False ends the session with the browser; true if absent.";

/// Begins the description of sign-up and sign-in.
fn signing(id: &'static str, summary: &'static str) -> Description {
    Description::new(id, summary, Callers::Guests).fails(Failures::of_a_sign_in())
}

/// Admits a client to sign-in or sign-up, and returns its address and user agent.
///
/// # Errors
///
/// Nobody signs in here, or the client's address has tried too often.
pub(super) fn enter(request: &UserRequest) -> Result<(&Sessions, Client), ApiError> {
    let sessions = request.sessions()?;
    Ok((sessions, admit(&request.http, &request.api, sessions)?))
}

/// Begins the answer to a user who has signed in: the cookies, and the token for clients that keep none.
fn answer_signed_in(
    request: &UserRequest,
    sessions: &Sessions,
    signed_in: &SignedIn,
    remember: bool,
) -> HttpResponseBuilder {
    let token = &signed_in.session.token;
    Outbox::send(&request.http, sessions.cookies.set(token, remember));
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("set-auth-token", sessions.cookies.signed(token)));
    answer
}
