//! `GET /list-sessions`.

use actix_web::HttpResponse;
use keymint_domain::ErrorCode;
use serde_json::json;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::ArrayBuilder;

use super::{enter, of_users};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::openapi::examples::{NOW, USER_ID};
use crate::openapi::{Description, DocumentContext};
use crate::views::SessionMembers;

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    let session = json!({
        "expiresAt": "2023-11-21T22:13:20.000Z", "token": "A1MqbIvwBj1ynxAv2KgHQbpHG2mCossa", "createdAt": NOW,
        "updatedAt": NOW, "ipAddress": "127.0.0.1", "userAgent": "", "userId": USER_ID,
        "id": "NqlhhdQw9wyu8uTuhKAAA3lDRYrwQ0SV"
    });
    of_users("listSessions", "Lists the caller's sessions.")
        .refers_to::<SessionMembers<'_>>()
        .answers_with(
            "The sessions, the oldest first.",
            ArrayBuilder::new().items(Ref::from_schema_name("Session")),
            json!([session]),
        )
        .fails([ErrorCode::SessionNotFresh])
}

pub(super) async fn list_sessions(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (sessions, signed_in) = enter(&request).await?;
    let listed = sessions.identity.list_sessions(&signed_in).await?;
    let views: Vec<_> =
        listed.iter().map(|session| SessionMembers::new(session, sessions.shows_organization)).collect();
    Ok(HttpResponse::Ok().json(views))
}
