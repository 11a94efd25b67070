//! `GET /get-session` (docs/better-auth-wire.md 5.4, 9). A request that shows a key is answered with a session of the key's
//! owner, whatever its method.

use std::net::IpAddr;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use keymint_domain::identity::SessionLifetime;
use keymint_domain::key::PlainKey;
use keymint_domain::{ErrorCode, Timestamp};
use keymint_service::{KeyHolder, ServiceError, SignedIn};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Ref;

use super::TOKEN;
use crate::error::ApiError;
use crate::extract::{DISABLE_REFRESH, UserRequest};
use crate::members::Shape;
use crate::members::schema::text;
use crate::openapi::examples::{NOW, USER_ID};
use crate::openapi::{Callers, Description, DocumentContext, examples};
use crate::views::code::or_null;
use crate::views::{Iso, SessionMembers, UserView};

/// A session and its user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionAndUser)]
struct SessionView<'a> {
    session: SessionMembers<'a>,
    user: UserView<'a>,
}

impl<'a> SessionView<'a> {
    /// Shows the session, with its `activeOrganizationId` where organizations are there.
    fn new(signed_in: &'a SignedIn, shows_organization: bool) -> Self {
        let session = SessionMembers::new(&signed_in.session, shows_organization);
        Self { session, user: UserView::from(&signed_in.user) }
    }
}

/// The session of a key's holder, which exists in this answer alone (docs/better-auth-wire.md 9). Its members are those of
/// any session in another order, so that the document has one schema for both.
#[derive(Debug, Serialize)]
struct KeySessionView<'a> {
    user: UserView<'a>,
    session: KeySessionMembers<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeySessionMembers<'a> {
    id: &'a str,
    token: &'a str,
    user_id: &'a str,
    user_agent: Option<&'a str>,
    ip_address: Option<IpAddr>,
    created_at: Iso,
    updated_at: Iso,
    expires_at: Iso,
}

impl<'a> KeySessionView<'a> {
    /// Shows the session of `holder`, whose key is `key`. It lives as long as the key, or as any session.
    fn new(
        holder: &'a KeyHolder,
        key: &'a PlainKey,
        lifetime: SessionLifetime,
        now: Timestamp,
        ip_address: Option<IpAddr>,
        user_agent: Option<&'a str>,
    ) -> Self {
        let details = &holder.key.details;
        let session = KeySessionMembers {
            id: details.id.as_str(),
            token: key.expose(),
            user_id: details.owner.as_str(),
            user_agent,
            ip_address,
            created_at: Iso(now),
            updated_at: Iso(now),
            expires_at: Iso(details.expires_at.unwrap_or_else(|| lifetime.end(now))),
        };
        Self { user: UserView::from(&holder.user), session }
    }
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let disable_refresh = "Any text but an empty one leaves the session's expiry unchanged.";
    let query = Shape::of_query(context.policy, |query| query.optional(DISABLE_REFRESH, disable_refresh).text());
    let answer = or_null(Ref::from_schema_name(SessionView::name()));
    let session = json!({
        "session": {
            "expiresAt": "2023-11-21T22:13:20.000Z", "token": TOKEN, "createdAt": NOW, "updatedAt": NOW,
            "ipAddress": "127.0.0.1", "userAgent": "", "userId": USER_ID, "id": "NqlhhdQw9wyu8uTuhKAAA3lDRYrwQ0SV"
        },
        "user": examples::user()
    });
    Description::new("getSession", "Shows the caller's session, or null.", Callers::Visitors)
        .takes(query)
        .refers_to::<SessionView<'_>>()
        .answers_with("The session, with its user.", answer, session)
        .with_header("cache-control", text(), "`no-store`.")
        .fails([ErrorCode::FailedToGetSession, ErrorCode::MethodNotAllowed])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn get_session(request: Result<UserRequest, ApiError>) -> HttpResponse {
    let answered = async { answer(request?).await };
    let mut answer = answered.await.unwrap_or_else(HttpResponse::from_error);
    // Errors too: each is about one user at one moment.
    for (name, value) in [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

async fn answer(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let sessions = request.sessions()?;
    if let Some((holder, key)) = request.key_holder() {
        let user_agent = request.http.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let (lifetime, now) = (sessions.identity.lifetime(), sessions.identity.now());
        let view = KeySessionView::new(holder, key, lifetime, now, request.client_address(), user_agent);
        return Ok(HttpResponse::Ok().json(view));
    }
    if *request.http.method() != Method::GET {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    let _turn = request.api.process.reads.take().await?;
    let found = request.signed_in().await?.filter(|found| !found.user.is_banned(sessions.identity.now()));
    match found {
        Some(found) => Ok(HttpResponse::Ok().json(SessionView::new(&found, sessions.shows_organization))),
        None => Ok(HttpResponse::Ok().json(Value::Null)),
    }
}
