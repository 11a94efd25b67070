//! `POST /change-password`.

use actix_web::HttpResponse;
use keymint_domain::ErrorCode;
use keymint_domain::identity::{Password, Session};
use keymint_service::ServiceError;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{enter, of_users};
use crate::callers::session::Outbox;
use crate::endpoints::users;
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::UserView;

/// The answer to a change of a password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedPassword)]
struct ChangedPasswordView<'a> {
    /// The token of the new session, if the others were ended.
    #[schema(required)]
    token: Option<&'a str>,
    user: UserView<'a>,
}

struct Asked {
    new: Password,
    current: Password,
    revokes_others: bool,
}

fn read(body: &mut Members<'_>) -> Option<Asked> {
    let new = body.required("newPassword", "The new password: 8 to 128 characters.").password();
    let current = body.required("currentPassword", "The password so far.").password();
    let about = "True ends all sessions, and begins a new one.";
    let revokes_others = body.optional("revokeOtherSessions", about).boolean().unwrap_or(false);
    Some(Asked { new: new?, current: current?, revokes_others })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = json!({
        "newPassword": "battery staple", "currentPassword": "correct horse", "revokeOtherSessions": true
    });
    let changed = json!({ "token": "A1MqbIvwBj1ynxAv2KgHQbpHG2mCossa", "user": examples::user() });
    of_users("changePassword", "Changes the caller's password.")
        .reads(Shape::of_body(context.policy, read), body)
        .answers::<ChangedPasswordView<'_>>("The user, and the token of the new session.", changed)
        .fails([
            ErrorCode::PasswordTooShort,
            ErrorCode::PasswordTooLong,
            ErrorCode::CredentialAccountNotFound,
            ErrorCode::InvalidPassword,
            ErrorCode::TooManyRequests,
        ])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn change_password(request: UserRequest) -> Result<HttpResponse, ApiError> {
    // It is a place to guess passwords, like sign-in.
    let (_, client) = users::enter(&request)?;
    let Asked { new, current, revokes_others } = request.read(read)?;
    let (sessions, signed_in) = enter(&request).await?;
    let (client, source) = (revokes_others.then_some(client), request.source());
    let session = sessions.identity.change_password(&signed_in, current, new, client, &source).await?;
    let mut answer = HttpResponse::Ok();
    if let Some(Session { token, .. }) = &session {
        Outbox::send(&request.http, sessions.renewed(&request.http, token));
        answer.insert_header(("set-auth-token", sessions.cookies.signed(token)));
    }
    let token = session.as_ref().map(|session| session.token.expose());
    Ok(answer.json(ChangedPasswordView { token, user: UserView::from(&signed_in.user) }))
}
