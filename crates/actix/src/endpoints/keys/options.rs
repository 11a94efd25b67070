//! `GET /api-key/options`: not among Better Auth's endpoints.

use actix_web::HttpResponse;
use keymint_domain::{ConfigId, ErrorCode, OrganizationId};
use keymint_service::ServiceError;
use serde_json::json;

use super::of_users;
use crate::error::ApiError;
use crate::extract::{DISABLE_REFRESH, UserRequest};
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext};
use crate::views::OptionsView;

/// The members, and one that every endpoint reads.
const MEMBERS: [&str; 3] = ["configId", "organizationId", DISABLE_REFRESH];

fn read(query: &mut Members<'_>) -> (Option<ConfigId>, Option<OrganizationId>) {
    let config_id = query.optional("configId", "The configuration; `default` if absent, empty or unknown.").config_id();
    let organization = query
        .optional("organizationId", "The organization that the key is for; the user's roles there count.")
        .coerced_id_or_empty(OrganizationId::parse);
    query.refuse_others(&MEMBERS);
    (config_id, organization.given())
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let day = 86_400;
    let example = json!({
        "configId": "default", "references": "user", "settable": ["name", "prefix", "expiresIn", "permissions"],
        "name": { "required": false, "minLength": 1, "maxLength": 32 },
        "prefix": { "default": "sk_", "minLength": 1, "maxLength": 32, "pattern": "^[A-Za-z0-9_-]+$" },
        "expiresIn": {
            "default": 90 * day, "min": day, "max": 90 * day, "presets": [day, 7 * day, 30 * day, 90 * day],
            "mayBeEndless": false
        },
        "permissions": {
            "default": null, "grantable": { "files": ["read"] }, "descriptions": { "files:read": "Read files" }
        },
        "metadata": { "allowed": false },
        "quota": {
            "default": null, "max": 2_147_483_647, "maxInterval": 34_560_000_000_u64, "every": ["day", "week", "month"]
        },
        "rateLimit": {
            "enabled": true, "defaultWindow": 86_400_000, "maxWindow": 34_560_000_000_u64, "defaultMax": 10,
            "max": 2_147_483_647
        },
        "maxKeysPerOwner": null, "rotationDays": null,
        "rotation": {
            "defaultGraceSeconds": day, "maxGraceSeconds": 90 * day, "minDeadlineSeconds": 60,
            "maxDeadlineSeconds": 90 * day, "maxPendingDays": 7
        }
    });
    let malformed = "[query] Unrecognized key: \"config\"".to_owned();
    of_users("getApiKeyOptions", "Shows what the caller may set on a new key, with ranges and defaults.")
        .takes(Shape::of_query(context.policy, read))
        .answers::<OptionsView<'_>>("The options.", example)
        .fails([ApiError::Validation(malformed)])
        .fails([ErrorCode::Unauthorized, ErrorCode::OrganizationPluginRequired])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn options(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (config_id, organization) = request.read_query(|query| Some(read(query)))?;
    let _turn = request.api.process.reads.take().await?;
    let caller = request.caller().await?;
    let options = request.api.keys.options(&caller, config_id.as_ref(), organization.as_ref()).await?;
    Ok(HttpResponse::Ok().json(OptionsView::from(&options)))
}
