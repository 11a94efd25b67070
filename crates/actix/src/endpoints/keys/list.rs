//! `GET /api-key/list` (docs/better-auth-wire.md 7.3).

use actix_web::HttpResponse;
use keymint_domain::key::KeyState;
use keymint_domain::listing::{Direction, KeyFilter, ListQuery, SortField};
use keymint_domain::{ConfigId, ErrorCode, OrganizationId, OwnerId, Timestamp};
use keymint_service::{ListKeys, ServiceError, Whose};
use serde_json::json;

use super::of_users;
use crate::error::ApiError;
use crate::extract::{DISABLE_REFRESH, UserRequest};
use crate::members::schema::MAX_SAFE_INTEGER;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::{PageView, Reader};

/// The members that Better Auth's endpoint has, those that it reads on every endpoint, and ours. A wrong name would show
/// keys that nobody asked for, perhaps to delete them.
const MEMBERS: [&str; 15] = [
    "configId",
    "organizationId",
    "limit",
    "offset",
    "sortBy",
    "sortDirection",
    "userId",
    "search",
    "enabled",
    "state",
    "expiresBefore",
    "unusedSince",
    "createdBefore",
    DISABLE_REFRESH,
    "disableCookieCache",
];

/// Reads the members, in the order of Better Auth's schema, and then ours.
fn read(query: &mut Members<'_>, now: Timestamp) -> ListKeys {
    let config_id = query.optional("configId", "Keys of this configuration only.").id_or_empty(ConfigId::parse);
    let organization = query
        .optional("organizationId", "Keys of this organization; none if empty.")
        .coerced_id_or_empty(OrganizationId::parse);
    let limit = query.optional("limit", "Keys on the page; 100 if absent.").coerced_integer(0..=ListQuery::MAX_LIMIT);
    let offset = query.optional("offset", "Keys to skip.").coerced_integer(0..=MAX_SAFE_INTEGER);
    let fields: Vec<_> = SortField::ALL.iter().map(|field| (field.as_str(), *field)).collect();
    let sort_by = query.optional("sortBy", "`createdAt` if absent.").choice_of_texts(&fields);
    let direction = query
        .optional("sortDirection", "`asc` if absent.")
        .choice(&[("asc", Direction::Ascending), ("desc", Direction::Descending)]);
    let owner =
        query.optional("userId", "Keys of this user; a user may name themselves only.").coerced_id(OwnerId::parse);
    let filter = read_filter(query, now);
    query.refuse_others(&MEMBERS);
    ListKeys {
        whose: Whose::of_request(organization, owner),
        config_id: config_id.given(),
        filter,
        sort_by,
        direction: direction.unwrap_or_default(),
        offset,
        limit,
    }
}

fn read_filter(query: &mut Members<'_>, now: Timestamp) -> KeyFilter {
    let search = query
        .optional(
            "search",
            "Keys with this id, or whose start or name begins with this; the case of a name is ignored.",
        )
        .search();
    let enabled = query
        .optional("enabled", "Keys that are shown as enabled, or others.")
        .choice_of_texts(&[("true", true), ("false", false)]);
    let states = KeyState::ALL.map(|state| (state.as_str(), state));
    let state = query.optional("state", "Keys that are in this state now.").choice_of_texts(&states);
    let expires_before = query
        .optional("expiresBefore", "Keys that expire before this: an RFC 3339 date-time, or a date for its midnight.")
        .instant();
    let unused_since = query.optional("unusedSince", "Keys made before this and not used since; likewise.").instant();
    let created_before = query.optional("createdBefore", "Keys made before this; likewise.").instant();
    KeyFilter { search, enabled, state: state.map(|state| (state, now)), expires_before, unused_since, created_before }
}

/// Writes the query of a request for a page of keys.
pub fn write(request: ListKeys) -> Vec<(&'static str, String)> {
    let ListKeys { whose, config_id, filter, sort_by, direction, offset, limit } = request;
    // The server's clock decides what is expired.
    let KeyFilter { search, enabled, state, expires_before, unused_since, created_before } = filter;
    let whose = match whose {
        Whose::Callers => None,
        // The API lists no keys of both kinds at once: `userId` alone comes nearest, and never has too many.
        Whose::Users(id) | Whose::Owners(id) => Some(("userId", id.as_str().to_owned())),
        Whose::Organizations(id) => Some(("organizationId", id.as_str().to_owned())),
        Whose::Nobodys => Some(("organizationId", String::new())),
    };
    let others = [
        ("configId", config_id.map(|id| id.as_str().to_owned())),
        ("search", search.map(|search| search.as_str().to_owned())),
        ("enabled", enabled.map(|enabled| enabled.to_string())),
        ("state", state.map(|(state, _)| state.as_str().to_owned())),
        ("expiresBefore", expires_before.map(|at| at.to_string())),
        ("unusedSince", unused_since.map(|at| at.to_string())),
        ("createdBefore", created_before.map(|at| at.to_string())),
        ("sortBy", sort_by.map(|field| field.as_str().to_owned())),
        ("sortDirection", (direction == Direction::Descending).then(|| "desc".to_owned())),
        ("offset", offset.map(|offset| offset.to_string())),
        ("limit", limit.map(|limit| limit.to_string())),
    ];
    whose.into_iter().chain(others.into_iter().filter_map(|(name, value)| Some((name, value?)))).collect()
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let example = json!({ "apiKeys": [examples::key()], "total": 1, "limit": 10 });
    let malformed = "[query.limit] Too big: expected number to be <=1000".to_owned();
    of_users("listApiKeys", "Shows a page of keys.")
        .text(
            "`limit` and `offset` are in the answer where they were in the request. The order is total: equal keys \
             follow in order of `createdAt`, then of `id`; by `expiresAt`, keys that never expire are last. `total` is \
             exact for all keys of one owner. With a filter, or for a server without an owner, counting stops at 10000.",
        )
        .takes(Shape::of_query(context.policy, |query| read(query, Timestamp::MIN)))
        .answers::<PageView<'_>>("The page.", example)
        .fails([ApiError::Validation(malformed)])
        .fails([ErrorCode::Unauthorized, ErrorCode::UnauthorizedSession])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn list(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let asked = request.read_query(|query| Some(read(query, request.api.keys.now())))?;
    let (limit, offset) = (asked.limit, asked.offset);
    let _turn = request.api.process.lists.take().await?;
    let caller = request.caller().await?;
    let page = request.api.keys.list(&caller, asked).await?;
    let view = PageView::new(&page, limit, offset, Reader::from(&caller), request.api.keys.policy());
    Ok(HttpResponse::Ok().json(view))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use keymint_domain::listing::Search;
    use url::Url;

    use super::*;

    #[test]
    fn a_written_request_is_read_back() {
        let now = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        let full = KeyFilter {
            search: Some(Search::parse("a&b =").unwrap()),
            enabled: Some(false),
            state: Some((KeyState::Revoked, now)),
            expires_before: Some(now),
            unused_since: Some(now.plus_millis(1)),
            created_before: Some(now.plus_millis(2)),
        };
        let full = ListKeys {
            whose: Whose::Users(OwnerId::parse("ada").unwrap()),
            config_id: Some(ConfigId::parse("team").unwrap()),
            filter: full,
            sort_by: Some(SortField::Name),
            direction: Direction::Descending,
            offset: Some(7),
            limit: Some(8),
        };
        let of_acme = Whose::Organizations(OrganizationId::parse("acme").unwrap());
        let others = [Whose::Callers, of_acme, Whose::Nobodys].map(|whose| ListKeys { whose, ..ListKeys::default() });
        for request in others.into_iter().chain([full]) {
            let url = Url::parse_with_params("http://localhost/", write(request.clone())).unwrap();
            let query = format!("/?{}", url.query().unwrap_or_default());
            let http = TestRequest::with_uri(&query).to_http_request();
            assert_eq!(Members::read_query(&http, |query| Some(read(query, now))).unwrap(), request, "{query}");
        }
    }
}
