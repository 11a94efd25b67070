//! `GET /api-key/usage`: not among Better Auth's endpoints.

use actix_web::HttpResponse;
use keymint_domain::metering::{Step, Window};
use keymint_domain::{ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId, Timestamp};
use keymint_service::{ReadUsage, ServiceError, UsageOptions, Whose};
use serde_json::json;

use super::of_users;
use crate::error::ApiError;
use crate::extract::{DISABLE_REFRESH, UserRequest};
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::UsageView;

/// The members, and one that every endpoint reads. A wrong name would be a wrong invoice.
const MEMBERS: [&str; 8] = ["keyId", "userId", "organizationId", "configId", "from", "to", "step", DISABLE_REFRESH];

fn read(query: &mut Members<'_>, now: Timestamp, options: UsageOptions) -> Option<ReadUsage> {
    let key = query.optional("keyId", "This key alone; for a server also one that was removed.").id(KeyId::parse);
    let owner =
        query.optional("userId", "Keys of this user; a user may name themselves only.").coerced_id(OwnerId::parse);
    let organization = query
        .optional("organizationId", "Keys of this organization; none if empty.")
        .coerced_id_or_empty(OrganizationId::parse);
    let config_id = query.optional("configId", "Keys of this configuration only.").id(ConfigId::parse);
    let from = query
        .optional("from", "An RFC 3339 date-time, or a date for its midnight in UTC. 30 days ago if absent.")
        .instant();
    let to = query.optional("to", "Likewise, and not included. Now if absent.").instant();
    let steps: Vec<_> = Step::ALL.iter().map(|step| (step.as_str(), *step)).collect();
    let step = query.optional("step", "`day` if absent.").choice_of_texts(&steps).unwrap_or_default();
    query.refuse_others(&MEMBERS);
    let whose = Whose::of_request(organization, owner);
    let window = Window::asked(from, to, step, now, options.hours_days);
    let window = window.map_err(|error| query.refuse(error.member(), error)).ok()?;
    Some(ReadUsage { key, whose, config_id, window })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let counts = json!({ "accepted": 3, "cost": 5, "refused": 1, "refusals": { "RATE_LIMITED": 1 } });
    let mut point = counts.clone();
    point["start"] = "2023-11-14T00:00:00.000Z".into();
    let example = json!({
        "from": "2023-11-14T00:00:00.000Z", "to": "2023-11-15T00:00:00.000Z", "step": "day", "totals": counts,
        "series": [point], "lastUsedAt": examples::NOW, "lastNetwork": "203.0.113.0/24"
    });
    let backwards = "[query.to] must be later than from".to_owned();
    of_users("getApiKeyUsage", "Shows the usage of keys.")
        .text(
            "Uses are counted up to about a second ago. The window is widened to whole steps in UTC, of which it may \
             have 1000. 404 if the server has never kept usage.",
        )
        .takes(Shape::of_query(context.policy, |query| read(query, Timestamp::MIN, UsageOptions::default())))
        .answers::<UsageView<'_>>("The usage.", example)
        .fails([ApiError::Validation(backwards)])
        .fails([ErrorCode::Unauthorized, ErrorCode::UnauthorizedSession, ErrorCode::KeyNotFound])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn usage(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let keys = &request.api.keys;
    let options = keys.usage().ok_or(ApiError::NotFound)?.options();
    let asked = request.read_query(|query| read(query, keys.now(), options))?;
    let window = asked.window;
    let _turn = request.api.process.lists.take().await?;
    let report = keys.read_usage(&request.caller().await?, asked).await?.ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok().json(UsageView::new(&window, &report)))
}
