//! `GET /audit`: the log of changes. Better Auth has no such endpoint.

use actix_web::HttpResponse;
use keymint_domain::event::EventQuery;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId, Timestamp};
use keymint_service::{Caller, ServiceError, Whose};
use serde_json::json;

use super::endpoint::{Area, Endpoint};
use crate::error::ApiError;
use crate::extract::{DISABLE_REFRESH, UserRequest};
use crate::members::{Members, Shape};
use crate::openapi::{Callers, Description, DocumentContext, examples};
use crate::views::EventPageView;

pub(super) fn area() -> Area {
    let endpoints = vec![Endpoint::get("/audit", list, describe)];
    Area { name: "Audit", about: "The log of changes, for users and for servers.", endpoints }
}

/// The members, and one that every endpoint reads. A wrong name would show events that were not asked for.
const MEMBERS: [&str; 11] = [
    "keyId",
    "userId",
    "organizationId",
    "configId",
    "type",
    "actor",
    "from",
    "to",
    "limit",
    "cursor",
    DISABLE_REFRESH,
];

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// A request for a page.
struct Asked {
    whose: Whose,
    query: EventQuery,
    cursor: Option<String>,
}

fn read(query: &mut Members<'_>) -> Option<Asked> {
    let key_id = query.optional("keyId", "Events about this key, also if it was removed.").id(KeyId::parse);
    let owner = query
        .optional("userId", "Events about keys of this user and about the user; a user may name themselves only.")
        .coerced_id(OwnerId::parse);
    let organization = query
        .optional("organizationId", "Events about keys of this organization and about it; none if empty.")
        .coerced_id_or_empty(OrganizationId::parse);
    let config_id = query.optional("configId", "Events about keys of this configuration.").id(ConfigId::parse);
    let kinds = query
        .optional(
            "type",
            "Events of these kinds, separated by commas. A kind may end in `*`: `keymint.key.*,keymint.server_key.*`.",
        )
        .kinds();
    let actor = query.optional("actor", "Events by this actor, such as `server_key:ID`.").actor();
    let from = query.optional("from", "An RFC 3339 date-time, or a date for its midnight in UTC.").instant();
    let to = query.optional("to", "Likewise, and not included.").instant();
    let limit = query.optional("limit", "Events on the page; 100 if absent.").coerced_integer(1..=MAX_LIMIT);
    let cursor = query.optional("cursor", "The `nextCursor` of the previous page, with the same other members.").text();
    query.refuse_others(&MEMBERS);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        query.refuse("to", "must be later than from");
        return None;
    }
    let whose = Whose::of_request(organization, owner);
    let time = (from.is_some() || to.is_some()).then(|| from.unwrap_or(Timestamp::MIN)..to.unwrap_or(Timestamp::MAX));
    let actor = actor.map(|actor| actor.to_string());
    let kinds = kinds.unwrap_or_default();
    let latest = EventQuery::latest(limit.unwrap_or(DEFAULT_LIMIT));
    Some(Asked { whose, query: EventQuery { key_id, config_id, kinds, actor, time, ..latest }, cursor })
}

fn describe(context: &DocumentContext<'_>) -> Description {
    let event = json!({
        "position": 17, "id": "018bcfe5-687b-7c2e-9f3e-6c7d1e0a4b55", "type": "keymint.key.revoked",
        "time": examples::NOW, "actor": "server_key:k1", "keyId": examples::KEY_ID, "ownerId": "ada",
        "configId": "default", "requestId": "3f2504e0", "erased": false,
        "details": { "changed": ["enabled", "revokedAt", "revokedBy"] },
        "personal": { "name": "first", "client": "203.0.113.7" },
        "seal": "pG3kZ6nM0dYwB4vTqS1xJr8cHfLuAeOi7KmNyWz2R5E"
    });
    let backwards = "[query.to] must be later than from".to_owned();
    Description::new("listEvents", "Shows a page of the audit log, the newest events first.", Callers::Users)
        .text(
            "A server sees all events, a user those about their own keys and themselves, and with `organizationId` those \
             of an organization whose keys they may read. Users see no addresses but their own. Events are shown up to \
             about half a second ago. 404 if the server has no audit log.",
        )
        .takes(Shape::of_query(context.policy, read))
        .answers::<EventPageView<'_>>("The page.", json!({ "events": [event], "nextCursor": null }))
        .fails([ApiError::Validation(backwards)])
        .fails([
            ErrorCode::InvalidCursor,
            ErrorCode::Unauthorized,
            ErrorCode::UserBanned,
            ErrorCode::UserNotMemberOfOrganization,
            ErrorCode::InsufficientApiKeyPermissions,
        ])
        .fails([ServiceError::Overloaded])
}

async fn list(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let audit = request.api.audit.as_ref().ok_or(ApiError::NotFound)?;
    let Asked { whose, query, cursor } = request.read_query(read)?;
    let _turn = request.api.process.lists.take().await?;
    let caller = request.caller().await?;
    let owners = request.api.keys.owners_of_events(&caller, whose).await?;
    let query = EventQuery { owners, ..query };
    let page = audit.read(request.context(&caller), query, cursor.as_deref()).await?;
    let reader = match &caller {
        Caller::User(user) | Caller::KeyHolder { user, .. } => Some(user),
        Caller::Server | Caller::Operator(_) | Caller::Portal { .. } | Caller::Gateway | Caller::Anyone => None,
    };
    Ok(HttpResponse::Ok().json(EventPageView::new(&page.events, page.next.as_deref(), reader)))
}
