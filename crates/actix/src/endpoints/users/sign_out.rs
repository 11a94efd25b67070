//! `POST /sign-out` (docs/better-auth-wire.md 5.3). A client that is not signed in succeeds as well.

use actix_web::HttpResponse;
use serde_json::json;

use super::CALLBACK;
use crate::callers::session::Outbox;
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Callers, Description, DocumentContext, success};

/// Reads the members. None of them matters here, but those of a wrong type are refused.
fn read(body: &mut Members<'_>) {
    body.optional("callbackURL", CALLBACK).text();
    body.optional("disableRedirect", "Ignored.").boolean();
    body.optional("state", "Ignored.").text();
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    Description::new("signOut", "Ends the caller's session.", Callers::Visitors)
        .text("No body is needed. The answer is the same without a session.")
        .reads(Shape::of_body(context.policy, read), json!({}))
        .or_nothing()
        .answers_with("The session has ended.", success(), json!({ "success": true }))
}

pub(super) async fn sign_out(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let sessions = request.sessions()?;
    if request.body().is_some() {
        request.read(|body| {
            read(body);
            Some(())
        })?;
    }
    for presented in sessions.presented(&request.http) {
        sessions.identity.sign_out(presented.token(), &request.source()).await?;
    }
    Outbox::send(&request.http, sessions.cookies.clear());
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}
