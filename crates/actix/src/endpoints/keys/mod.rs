//! Management of keys, by users and by servers.

pub(super) mod create;
pub(super) mod delete;
mod delete_all_expired;
pub(super) mod get;
mod health;
pub(super) mod list;
mod options;
mod report_leak;
pub(super) mod restore;
pub(super) mod revoke;
pub(super) mod rotate;
pub(super) mod rotation;
pub(super) mod update;
mod usage;

use keymint_domain::{ConfigId, ErrorCode, KeyId};

use super::endpoint::{Area, Endpoint};
use crate::members::Members;
use crate::openapi::{Callers, Description};

pub(super) fn area() -> Area {
    let endpoints = vec![
        Endpoint::post("/api-key/create", create::create, create::describe),
        Endpoint::get("/api-key/get", get::get, get::describe),
        Endpoint::get("/api-key/list", list::list, list::describe),
        Endpoint::get("/api-key/options", options::options, options::describe),
        Endpoint::get("/api-key/health", health::health, health::describe),
        Endpoint::get("/api-key/usage", usage::usage, usage::describe),
        Endpoint::post("/api-key/update", update::update, update::describe),
        Endpoint::post("/api-key/revoke", revoke::revoke, revoke::describe),
        Endpoint::post("/api-key/report-leak", report_leak::report_leak, report_leak::describe),
        Endpoint::post("/api-key/rotate", rotate::rotate, rotate::describe),
        Endpoint::post("/api-key/rotation/cancel", rotation::cancel, rotation::describe_cancel),
        Endpoint::post("/api-key/rotation/finish", rotation::finish, rotation::describe_finish),
        Endpoint::post("/api-key/delete", delete::delete, delete::describe),
        Endpoint::post("/api-key/restore", restore::restore, restore::describe),
        Endpoint::post(
            "/api-key/delete-all-expired-api-keys",
            delete_all_expired::delete_all_expired,
            delete_all_expired::describe,
        ),
    ];
    Area { name: "Keys", about: "Creating, changing and revoking keys, by users and by servers.", endpoints }
}

/// Errors of the roles of an organization's members.
const OF_ORGANIZATIONS: [ErrorCode; 3] = [
    ErrorCode::UserNotMemberOfOrganization,
    ErrorCode::InsufficientApiKeyPermissions,
    ErrorCode::NoDefaultApiKeyConfigurationFound,
];
/// Errors of the members of a new or changed key.
const OF_MEMBERS: [ErrorCode; 10] = [
    ErrorCode::RefillTwice,
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

/// Begins the description of an endpoint for users and servers.
fn of_users(id: &'static str, summary: &'static str) -> Description {
    Description::new(id, summary, Callers::Users).fails([ErrorCode::UserBanned]).fails(OF_ORGANIZATIONS)
}

/// Reads which key is meant: the id in the member `name`, and the configuration that the key must be of.
fn read_key(members: &mut Members<'_>, name: &'static str) -> Option<(KeyId, Option<ConfigId>)> {
    let config_id = read_config_id(members);
    let id = members.required(name, "The key.").id(KeyId::parse)?;
    Some((id, config_id))
}

/// Reads the configuration that a key must be of.
fn read_config_id(members: &mut Members<'_>) -> Option<ConfigId> {
    members.optional("configId", "The configuration that the key must belong to; `default` if empty.").config_id()
}
