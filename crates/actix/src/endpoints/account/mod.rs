//! The account of a user: name, password and sessions, as Better Auth has them.

mod change_password;
mod list_sessions;
mod revoke;
mod update_user;

use keymint_domain::ErrorCode;
use keymint_service::SignedIn;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::{Area, Endpoint};
use crate::callers::session::Sessions;
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::openapi::{Callers, Description};

pub(super) fn area() -> Area {
    let endpoints = vec![
        Endpoint::post("/change-password", change_password::change_password, change_password::describe),
        Endpoint::post("/update-user", update_user::update_user, update_user::describe),
        Endpoint::get("/list-sessions", list_sessions::list_sessions, list_sessions::describe),
        Endpoint::post("/revoke-session", revoke::revoke_session, revoke::describe_one),
        Endpoint::post("/revoke-sessions", revoke::revoke_sessions, revoke::describe_all),
        Endpoint::post("/revoke-other-sessions", revoke::revoke_other_sessions, revoke::describe_others),
    ];
    Area { name: "Account", about: "A user's own name, password and sessions.", endpoints }
}

/// The answer to a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Changed)]
struct StatusView {
    status: bool,
}

const CHANGED: StatusView = StatusView { status: true };

/// Begins the description of an endpoint for users with a session.
fn of_users(id: &'static str, summary: &'static str) -> Description {
    Description::new(id, summary, Callers::Visitors)
        .text("It needs a session: a server key or an API key does not do.")
        .fails([ErrorCode::Unauthorized, ErrorCode::UserBanned])
}

/// Returns the sessions, and the user with theirs. A key in a header opens a session for keys alone.
///
/// # Errors
///
/// Nobody signs in here, or the request shows no session.
async fn enter(request: &UserRequest) -> Result<(&Sessions, SignedIn), ApiError> {
    let sessions = request.sessions()?;
    let signed_in = match request.signed_in().await {
        Err(keymint_service::ServiceError::Refused(ErrorCode::FailedToGetSession)) => None,
        found => found?,
    };
    Ok((sessions, signed_in.ok_or(ErrorCode::Unauthorized)?))
}
