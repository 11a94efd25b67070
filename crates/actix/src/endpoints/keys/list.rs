//! `GET /api-key/list` (docs/better-auth-wire.md 7.3).

use actix_web::HttpResponse;
use keymint_domain::listing::{Direction, ListQuery, SortField};
use keymint_domain::{ConfigId, ErrorCode, OrganizationId, OwnerId};
use keymint_service::{ListKeys, ServiceError, Whose};
use serde_json::json;

use super::of_users;
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::schema::MAX_SAFE_INTEGER;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::{PageView, Reader};

/// Reads the members, in the order of Better Auth's schema.
fn read(query: &mut Members<'_>) -> ListKeys {
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
    let whose = Whose::of_request(organization, owner);
    ListKeys { whose, config_id: config_id.given(), sort_by, direction: direction.unwrap_or_default(), offset, limit }
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let example = json!({ "apiKeys": [examples::key()], "total": 1, "limit": 10 });
    let malformed = "[query.limit] Too big: expected number to be <=1000".to_owned();
    of_users("listApiKeys", "Shows a page of keys.")
        .text(
            "`limit` and `offset` are in the answer where they were in the request. The order is total: equal keys \
             follow in order of `createdAt`, then of `id`.",
        )
        .takes(Shape::of_query(context.policy, read))
        .answers::<PageView<'_>>("The page.", example)
        .fails([ApiError::Validation(malformed)])
        .fails([ErrorCode::Unauthorized, ErrorCode::UnauthorizedSession])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn list(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let asked = request.read_query(|query| Some(read(query)))?;
    let (limit, offset) = (asked.limit, asked.offset);
    let _turn = request.api.process.lists.take().await?;
    let caller = request.caller().await?;
    let page = request.api.keys.list(&caller, asked).await?;
    Ok(HttpResponse::Ok().json(PageView::new(&page, limit, offset, Reader::from(&caller))))
}
