//! `POST /revoke-session`, `/revoke-sessions` and `/revoke-other-sessions`.

use actix_web::HttpResponse;
use keymint_domain::identity::SessionToken;
use serde_json::json;

use super::{CHANGED, StatusView, enter, of_users};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext};

fn read(body: &mut Members<'_>) -> Option<SessionToken> {
    body.required("token", "The token of the session that ends.").text().map(SessionToken::new)
}

pub(super) fn describe_one(context: &DocumentContext<'_>) -> Description {
    of_users("revokeSession", "Ends one of the caller's sessions. One of somebody else, or of nobody, stays as it is.")
        .reads(Shape::of_body(context.policy, read), json!({ "token": "A1MqbIvwBj1ynxAv2KgHQbpHG2mCossa" }))
        .answers::<StatusView>("The session has ended.", json!({ "status": true }))
}

pub(super) fn describe_all(_: &DocumentContext<'_>) -> Description {
    of_users("revokeSessions", "Ends all of the caller's sessions.")
        .answers::<StatusView>("The sessions have ended.", json!({ "status": true }))
}

pub(super) fn describe_others(_: &DocumentContext<'_>) -> Description {
    of_users("revokeOtherSessions", "Ends all of the caller's sessions but the one that is used.")
        .answers::<StatusView>("The sessions have ended.", json!({ "status": true }))
}

pub(super) async fn revoke_session(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let token = request.read(read)?;
    let (sessions, signed_in) = enter(&request).await?;
    sessions.identity.revoke_session(&signed_in, &token, &request.source()).await?;
    Ok(HttpResponse::Ok().json(CHANGED))
}

pub(super) async fn revoke_sessions(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (sessions, signed_in) = enter(&request).await?;
    sessions.identity.revoke_sessions(&signed_in, false, &request.source()).await?;
    Ok(HttpResponse::Ok().json(CHANGED))
}

pub(super) async fn revoke_other_sessions(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (sessions, signed_in) = enter(&request).await?;
    sessions.identity.revoke_sessions(&signed_in, true, &request.source()).await?;
    Ok(HttpResponse::Ok().json(CHANGED))
}
