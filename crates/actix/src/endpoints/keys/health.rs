//! `GET /api-key/health`: not among Better Auth's endpoints.

use std::num::NonZeroU32;

use actix_web::HttpResponse;
use keymint_domain::health::{Finding, Severity, Thresholds};
use keymint_domain::{ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId};
use keymint_service::{ExamineKeys, ServiceError, Whose};
use serde_json::json;

use super::of_users;
use crate::error::ApiError;
use crate::extract::{DISABLE_REFRESH, UserRequest};
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::HealthView;

/// The largest number of days of a threshold.
const MAX_DAYS: u32 = 36_500;

/// The members, and one that every endpoint reads. A wrong name would hide what somebody looks for.
const MEMBERS: [&str; 10] = [
    "userId",
    "organizationId",
    "configId",
    "finding",
    "severity",
    "idleDays",
    "expiringDays",
    "after",
    "limit",
    DISABLE_REFRESH,
];

fn read(query: &mut Members<'_>) -> ExamineKeys {
    let owner =
        query.optional("userId", "Keys of this user; a user may name themselves only.").coerced_id(OwnerId::parse);
    let organization = query
        .optional("organizationId", "Keys of this organization; none if empty.")
        .coerced_id_or_empty(OrganizationId::parse);
    let config_id = query.optional("configId", "Keys of this configuration only.").id(ConfigId::parse);
    let all: Vec<_> = Finding::ALL.iter().map(|finding| (finding.as_str(), *finding)).collect();
    let finding = query.optional("finding", "This finding only.").choice_of_texts(&all);
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let severity =
        query.optional("severity", "Findings of this severity or a higher one only.").choice_of_texts(&severities);
    let default = Thresholds::default();
    let idle_days = query
        .optional("idleDays", "Days without a use after which a key is `idle` or `never_used`; 90 if absent.")
        .coerced_integer(1..=MAX_DAYS);
    let expiring_days = query
        .optional("expiringDays", "Days before its expiry at which a key is `expiring`; 30 if absent.")
        .coerced_integer(1..=MAX_DAYS);
    let after = query.optional("after", "The `next` of the portion before.").id(KeyId::parse);
    let limit = query
        .optional("limit", "Keys to examine; 1000 if absent.")
        .coerced_integer(1..=ExamineKeys::MAX_LIMIT.get())
        .and_then(NonZeroU32::new);
    query.refuse_others(&MEMBERS);
    let whose = Whose::of_request(organization, owner);
    let thresholds = Thresholds {
        idle_days: idle_days.unwrap_or(default.idle_days),
        expiring_days: expiring_days.unwrap_or(default.expiring_days),
    };
    ExamineKeys { whose, config_id, finding, severity, thresholds, after, limit }
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let finding = Finding::NeverExpires;
    let example = json!({
        "findings": [{
            "finding": finding.as_str(), "severity": finding.severity().as_str(), "count": 1,
            "advice": finding.advice(), "keyIds": [examples::KEY_ID]
        }],
        "examined": 12, "unreadable": 0, "recordedSince": examples::NOW, "next": null
    });
    let malformed = "[query.limit] Too big: expected number to be <=1000".to_owned();
    of_users("getApiKeyHealth", "Finds keys that somebody should look at.")
        .text(
            "A portion of the keys is examined. If `next` is not null, the same request with it as `after` examines the \
             next portion. 404 if the server has never kept usage.",
        )
        .takes(Shape::of_query(context.policy, read))
        .answers::<HealthView<'_>>("The findings.", example)
        .fails([ApiError::Validation(malformed)])
        .fails([ErrorCode::Unauthorized, ErrorCode::UnauthorizedSession])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn health(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let asked = request.read_query(|query| Some(read(query)))?;
    let _turn = request.api.process.lists.take().await?;
    let report = request.api.keys.examine(&request.caller().await?, asked).await?.ok_or(ApiError::NotFound)?;
    Ok(HttpResponse::Ok().json(HealthView::from(&report)))
}
