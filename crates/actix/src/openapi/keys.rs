use keymint_domain::ErrorCode;
use keymint_service::ServiceError;
use serde_json::json;
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder};

use super::security::Callers;
use super::{Description, KEYS, Served, examples, schema};
use crate::ApiError;
use crate::wire::{CreatedView, KeyView, PageView, UnreadableView, shape};

/// What the roles of an organization's members may forbid.
const OF_ORGANIZATIONS: [ErrorCode; 3] = [
    ErrorCode::UserNotMemberOfOrganization,
    ErrorCode::InsufficientApiKeyPermissions,
    ErrorCode::NoDefaultApiKeyConfigurationFound,
];
/// Why a change may be refused.
const OF_MEMBERS: [ErrorCode; 9] = [
    ErrorCode::InvalidMetadataType,
    ErrorCode::RefillAmountAndIntervalRequired,
    ErrorCode::RefillIntervalAndAmountRequired,
    ErrorCode::ExpiresInIsTooSmall,
    ErrorCode::ExpiresInIsTooLarge,
    ErrorCode::InvalidNameLength,
    ErrorCode::KeyDisabledExpiration,
    ErrorCode::ServerOnlyProperty,
    ErrorCode::UnauthorizedSession,
];

fn of_users(id: &'static str, summary: &'static str) -> Description {
    Description::new(KEYS, id, summary, Callers::Users).fails([ErrorCode::UserBanned]).fails(OF_ORGANIZATIONS)
}

/// `POST /api-key/create`.
pub(crate) fn create(served: &Served<'_>) -> Description {
    let body = json!({ "userId": "ada", "name": "first", "prefix": "sk_", "permissions": { "files": ["read"] } });
    of_users("createApiKey", "Makes a key, and shows it this once.")
        .reads(shape::create(served.policy), body)
        .answers::<CreatedView<'_>>("The key, with its text.", examples::key_with(&json!({ "key": examples::KEY })))
        .leads_to("getApiKey", "id", "$response.body#/id")
        .leads_to("updateApiKey", "body.keyId", "$response.body#/id")
        .leads_to("revokeApiKey", "body.id", "$response.body#/id")
        .leads_to("deleteApiKey", "body.keyId", "$response.body#/id")
        .leads_to("verifyApiKey", "body.key", "$response.body#/key")
        .leads_to("validateApiKey", "body.apiKey", "$response.body#/key")
        .fails(OF_MEMBERS)
        .fails([
            ErrorCode::InvalidPrefixLength,
            ErrorCode::MetadataDisabled,
            ErrorCode::NameRequired,
            ErrorCode::UserIdRequired,
            ErrorCode::OrganizationIdRequired,
        ])
        .fails([ErrorCode::KeyManagementNotAllowed, ErrorCode::MaxKeysReached, ErrorCode::OrganizationPluginRequired])
}

/// `GET /api-key/get`.
pub(crate) fn get(_: &Served<'_>) -> Description {
    of_users("getApiKey", "Shows one key.")
        .takes(&ParameterIn::Query, shape::key("id"))
        .answers::<KeyView<'_>>("The key.", examples::key())
        .fails([malformed("[query.id] Invalid input: expected string, received undefined")])
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound])
        .fails([ServiceError::Overloaded])
}

/// `GET /api-key/list`.
pub(crate) fn list(_: &Served<'_>) -> Description {
    let example = json!({ "apiKeys": [examples::key()], "total": 1, "limit": 10 });
    of_users("listApiKeys", "Shows a page of keys.")
        .text("`limit` and `offset` are in the answer where they were in the request. The order is total: equal keys follow in order of `createdAt`, then of `id`.")
        .takes(&ParameterIn::Query, shape::list())
        .answers::<PageView<'_>>("The page.", example)
        .fails([malformed("[query.limit] Too big: expected number to be <=1000")])
        .fails([ErrorCode::Unauthorized, ErrorCode::UnauthorizedSession])
        .fails([ServiceError::Overloaded])
}

/// `POST /api-key/update`.
pub(crate) fn update(served: &Served<'_>) -> Description {
    of_users("updateApiKey", "Changes a key.")
        .text("What is not named stays as it is. It counts at the next use.")
        .reads(shape::update(served.policy), json!({ "keyId": examples::KEY_ID, "enabled": false }))
        .answers::<KeyView<'_>>("The key as it is now.", examples::key_with(&json!({ "enabled": false })))
        .fails(OF_MEMBERS)
        .fails([
            ErrorCode::NoValuesToUpdate,
            ErrorCode::KeyNotFound,
            ErrorCode::KeyManagementNotAllowed,
            ErrorCode::KeyRevoked,
        ])
}

/// `POST /api-key/revoke`.
pub(crate) fn revoke(_: &Served<'_>) -> Description {
    let revoked = OneOfBuilder::new()
        .item(Ref::from_schema_name(KeyView::name()))
        .item(Ref::from_schema_name(UnreadableView::name()));
    of_users("revokeApiKey", "Stops a key at once, and keeps it visible.")
        .reads(schema::object(shape::key("id")), json!({ "id": examples::KEY_ID }))
        .refers_to::<KeyView<'_>>()
        .refers_to::<UnreadableView<'_>>()
        .answers_with(
            "The key as it is now, or the name of one whose row cannot be read.",
            revoked,
            examples::revoked_key(),
        )
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound, ErrorCode::KeyManagementNotAllowed])
}

/// `POST /api-key/delete`.
pub(crate) fn delete(_: &Served<'_>) -> Description {
    of_users("deleteApiKey", "Removes a key for good.")
        .reads(schema::object(shape::key("keyId")), json!({ "keyId": examples::KEY_ID }))
        .answers_with("It is gone.", success(), json!({ "success": true }))
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound, ErrorCode::KeyManagementNotAllowed])
        .fails([ErrorCode::KeyReferenced])
}

/// `POST /api-key/delete-all-expired-api-keys`.
pub(crate) fn delete_all_expired(_: &Served<'_>) -> Description {
    let error = schema::text().schema_type(utoipa::openapi::Type::Null);
    let schema = success().property("error", error).required("error");
    let summary = "Removes every expired key.";
    Description::new(KEYS, "deleteAllExpiredApiKeys", summary, Callers::Servers)
        .answers_with("They are gone.", schema, json!({ "success": true, "error": null }))
        .fails([ErrorCode::Unauthorized])
}

/// `{"success": true}`.
pub(super) fn success() -> ObjectBuilder {
    schema::object(vec![schema::required("success", schema::boolean(), "True.")])
}

fn malformed(example: &str) -> ApiError {
    ApiError::Validation(example.to_owned())
}
